"""Example answers, by the name of their schema; the contract tests hold each to its schema."""

from typing import Any

from memspan.experiment.spec import EXAMPLE as SPEC

TASK: dict[str, Any] = {"kind": "latch", "noise": 0.1, "variant": "corrected"}
MODEL: dict[str, Any] = {"kind": "lstm", "hidden_size": 1, "activation": "tanh", "initialization": "keras"}
PLACE: dict[str, Any] = {"task": TASK, "model": MODEL, "length": 10}
CHANGE: dict[str, Any] = {"kind": "change", "index": 0, "percent": 50.0, "sequences": 2000}
MOMENTS = {
    "created_at": "2026-11-21T09:30:00.000Z",
    "started_at": "2026-11-21T09:30:00.210Z",
    "finished_at": "2026-11-21T09:31:12.480Z",
}
BUDGET = {
    "optimizer": "adam",
    "learning_rate": 0.001,
    "tuned": None,
    "batch_size": 16,
    "data": "fixed",
    "until": None,
    "epochs": 5,
    "steps": 2500,
    "sequences": 40_000,
}
ENDS = {"converged": 0, "improving": 0, "diverged": 0, "no_better_than_chance": 0, "unknown": 0}
ACCURACY = {"n": 30, "mean": 0.982, "std": 0.011, "median": 0.985, "low": 0.978, "high": 0.986}
SCALARS = {
    "kind": "scalars",
    "values": {"median_change": 41.2},
    "low": {"median_change": 38.9},
    "high": {"median_change": 43.6},
    "n": 30,
    "units": {"median_change": "%"},
    "baseline": {},
}
HEADER: dict[str, Any] = {
    "id": "exp-12",
    "name": SPEC["name"],
    "state": "succeeded",
    "cancelling": False,
    "owner": "lab",
    "study": None,
    "runs": {"total": 240, "queued": 0, "running": 0, "succeeded": 240, "failed": 0, "cancelled": 0},
    "progress": {"completed": 1200.0, "total": 1200.0, "unit": "epochs"},
    "eta_seconds": None,
    **MOMENTS,
}
LINKS = {
    "self": "/experiments/exp-12",
    "events": "/experiments/exp-12/events",
    "runs": "/experiments/exp-12/runs",
    "results": "/results/exp-12",
    "cancel": "/experiments/exp-12/cancel",
}
RUN: dict[str, Any] = {
    "id": "run-345",
    "experiment": "exp-12",
    **PLACE,
    "repeat": 3,
    "purpose": "report",
    "setting": {"learning_rate": 0.001, "clip_norm": None, "weight_decay": 0.0},
    "seed": 4246416281227885,
    "state": "succeeded",
    "reason": None,
    "detail": None,
    "diverged_at": None,
    "attempt": 1,
    "engine": "torch",
    "device": "cpu",
    "seconds": 0.41,
    "epochs_done": 5.0,
    "started_at": MOMENTS["started_at"],
    "finished_at": MOMENTS["finished_at"],
    "processor": "znver4 AVX512",
}
CHECKPOINTS = [{"id": "ckpt-689", "kind": "best", "epoch": 5}, {"id": "ckpt-690", "kind": "last", "epoch": 5}]

PLAN: dict[str, Any] = {
    "spec": SPEC,
    "conditions": 8,
    "runs": 240,
    "populations": 8,
    "parameters": [
        {"pointer": "#/models/1", "kind": "lstm", "least": 16, "most": 16, "inner_least": 12, "inner_most": 12}
    ],
    "warnings": [],
    "estimated_seconds": 74.2,
    "peak_bytes": 402_653_184,
    "workers": 2,
    "tuning_runs": 0,
    "at_most": False,
    "basis": "cost model of each run's engine, one core of a 2026 server a worker",
    "matched": [],
}
CLAIM = {
    "id": "lstm-below-rnn-corrected",
    "text": "On balanced data with a test set of its own, the LSTM still stays below the RNN at long lengths.",
    "source": "article",
    "metric": "mean test accuracy of the RNN minus the LSTM's, lengths of 100 and more",
    "direction": "at_least",
    "threshold": 0.01,
    "amended": [],
    "measured": 0.061,
    "low": 0.028,
    "high": 0.097,
    "n": 330,
    "verdict": "supported",
    "reason": "",
    "budgets": [BUDGET],
}
GROUP = {"group": "group-12", "scale": "full", "owner": "lab", "state": "succeeded"}
PART = {
    "name": "corrected",
    "id": "exp-12",
    "title": "latch study: corrected",
    "answers": ["scalars"],
    **{name: HEADER[name] for name in ("state", "runs", "progress")},
    "links": {"self": "/experiments/exp-12", "results": "/results/exp-12"},
}
STUDY: dict[str, Any] = {
    "kind": "latch",
    "title": "Why does an LSTM latch a bit worse than a plain RNN?",
    "summary": "Latching one bit through noise with one unit: RNN, LSTM and GRU, as published and corrected.",
    "reference": "Bengio, Simard & Frasconi (1994)",
    "schema": {"type": "object"},
    "question": "Why does a one-unit LSTM remember one bit worse than a one-unit plain RNN?",
    "explanation": "A tanh unit with a recurrent weight near 1 is a switch by birth. An LSTM must learn to be one.",
    "claims": [CLAIM],
    **GROUP,
    "progress": HEADER["progress"],
    "eta_seconds": None,
    **MOMENTS,
    "experiments": ["exp-12"],
    "links": {"self": "/studies/latch", "start": "/studies/latch/experiments"},
    "parts": [PART],
    "groups": [{"id": "group-12", "scale": "full", "state": "succeeded", "created_at": MOMENTS["created_at"]}],
}

COMPARISON: dict[str, Any] = {
    "task": TASK,
    "a": MODEL,
    "b": {"kind": "rnn", "hidden_size": 1},
    "metric": "span",
    "length": None,
    "difference": 20.5,
    "low": 12.0,
    "high": 29.0,
    "ratio": 2.5,
    "ratio_low": 1.8,
    "ratio_high": 3.4,
    "bound": None,
    "probability_a_better": 0.7,
    "n": 30,
    "p": 0.0005,
    "adjusted_p": 0.0005,
    "family": 1,
    "same_budget": True,
    "both_converged": False,
    "sentence": "lstm remembers longer than rnn (35 against 14 steps; ratio 2.5 (1.8 to 3.4)), p = 0.0005, 30 repeats "
    "each. After 2,500 steps of Adam at 0.001; not all had converged, so more training may change it.",
}

EXAMPLES: dict[str, Any] = {
    "Problem": {
        "type": "/problems/unprocessable",
        "title": "Some fields are wrong",
        "status": 422,
        "detail": "hidden_size must be between 1 and 4096, not 1000000.",
        "instance": "/experiments",
        "request_id": "4d2f0c5b9e",
        "errors": [
            {
                "pointer": "#/models/1/hidden_size",
                "code": "out_of_range",
                "message": "hidden_size must be between 1 and 4096, not 1000000.",
                "given": 1000000,
            }
        ],
    },
    "Experiment": {**HEADER, "spec": SPEC, "links": LINKS},
    "Summary": {**HEADER, "links": LINKS, "tasks": ["latch"], "models": [MODEL], "lengths": [2, 5, 10], "repeats": 30},
    "Plan": PLAN,
    "Study": STUDY,
    "StartedStudy": {
        "study": "latch",
        "group": "group-12",
        "items": [
            {
                **HEADER,
                "study": {"kind": "latch", "scale": "full", "part": "corrected", "group": "group-12"},
                "spec": SPEC,
                "links": LINKS,
            }
        ],
        "links": {"self": "/studies/latch?group=group-12"},
    },
    "StudyPlan": {
        "study": "latch",
        "scale": "quick",
        "items": [{"name": "corrected", **PLAN}],
        **{name: PLAN[name] for name in ("conditions", "runs", "estimated_seconds", "peak_bytes", "workers", "basis")},
    },
    "Run": RUN,
    "WholeRun": {
        **RUN,
        "metrics": {"test_loss": 0.061, "test_accuracy": 0.991},
        "by_lag": None,
        "checkpoints": CHECKPOINTS,
    },
    "Metrics": {
        "items": [
            {"split": "validation", "name": "loss", "epoch": 1, "value": 0.652},
            {"split": "validation", "name": "loss", "epoch": 2, "value": "NaN"},
        ]
    },
    "Event": {"id": 2, "type": "state", "at": MOMENTS["started_at"], "data": {"state": "running"}},
    "Checkpoint": {
        **CHECKPOINTS[1],
        "origin": "trained",
        "run": "run-345",
        "experiment": "exp-12",
        **PLACE,
        "repeat": 3,
        "seed": RUN["seed"],
        "engine": "torch",
        "sha256": "2f6a588f63199794516121a45725300660b2104d204ebb8b7059d90aa557da95",
        "bytes": 416,
        "parameters": 16,
        "shapes": {"layer0.kernel": [1, 4], "readout.kernel": [1, 2]},
        "inputs": ["B", "T", 1],
        "outputs": ["B", 2],
        "created_at": MOMENTS["finished_at"],
        "links": {
            "weights": "/checkpoints/ckpt-690/weights",
            "onnx": "/checkpoints/ckpt-690/onnx",
            "predictions": "/checkpoints/ckpt-690/predictions",
        },
    },
    "Prediction": {"outputs": [[0.385, 0.615]], "shape": [1, 2], "checkpoint": "ckpt-690"},
    "Probe": {
        "id": "probe-7",
        "kind": "change",
        "state": "succeeded",
        "spec": CHANGE,
        "experiment": "exp-12",
        "condition": 5,
        "weights": "last",
        "checkpoint": None,
        "owner": None,
        "n": 30,
        "reason": None,
        "result": SCALARS,
        "created_at": MOMENTS["started_at"],
        "finished_at": MOMENTS["finished_at"],
    },
    "NewApiKey": {
        "id": "key-2",
        "name": "lab",
        "scope": "run",
        "state": "working",
        "hint": "mspn_x7Kq",
        "quota": {"queued_runs": 20_000, "stored_bytes": None, "core_seconds": None},
        "usage": {"queued_runs": 0, "stored_bytes": 0, "core_seconds": 0.0},
        "created_at": "2026-11-21T10:00:00.000Z",
        "expires_at": "2027-02-19T10:00:00.000Z",
        "revoked_at": None,
        "used_at": None,
        "secret": "mspn_x7Kq...",
    },
    "Samples": {
        "task": TASK,
        "length": 3,
        "inputs": [[[-0.887], [0.057], [0.04]]],
        "targets": [0],
        "shape": [1, 3, 1],
        "relevant_steps": [0],
        "answers": None,
        "problem": "classification",
    },
    "Results": {
        "experiment": HEADER,
        "conditions": [
            {
                **PLACE,
                "runs": {"total": 30, "succeeded": 30, "failed": 0, "diverged": 0},
                "metric": "test_accuracy",
                "metrics": {"test_accuracy": ACCURACY},
                "success": {"rate": 0.8, "low": 0.627, "high": 0.905, "n": 30},
                "budget": BUDGET,
                "convergence": {"state": "improving", "runs": ENDS | {"converged": 24, "improving": 6}},
                "steps_to_solve": {
                    "median": 1500.0,
                    "low": 1000.0,
                    "high": 2000.0,
                    "censored": None,
                    "solved": 24,
                    "n": 30,
                },
                "parameters": 16,
                "inner_parameters": 12,
                "state_size": 2,
                "receptive_field": None,
                "seconds_per_epoch": 0.01,
                "by_lag": None,
                "engine": "torch",
                "processors": ["znver4 AVX512"],
            }
        ],
        "matched": [],
        "spans": [
            {
                "task": TASK,
                "model": MODEL,
                "span": 34.5,
                "low": 28.0,
                "high": 41.0,
                "longest_solved": 30,
                "censored": None,
                "written": "35 (28 to 41)",
                "budget": BUDGET,
                "convergence": {
                    "state": "improving",
                    "runs": ENDS | {"converged": 81, "improving": 6, "no_better_than_chance": 33},
                    "conditions": ENDS | {"converged": 2, "improving": 1, "no_better_than_chance": 1},
                },
                "by_budget": [
                    {"epochs": 1, "steps": 500, "span": 8.2, "low": 6.1, "high": 10.4, "censored": None},
                    {"epochs": 5, "steps": 2500, "span": 34.1, "low": 27.8, "high": 41.2, "censored": None},
                ],
            }
        ],
        "searches": [],
        "tuning": [],
        "comparisons": [COMPARISON],
        "rankings": [
            {
                "task": TASK,
                "models": [{"model": MODEL, "rank": 1, "span": "35"}],
                "sentence": "By memory span: 1. lstm. Models with the same rank can't be told apart.",
            }
        ],
        "baselines": [{"task": TASK, "name": "chance", "metric": "test_accuracy", "value": 0.5}],
        "probes": [
            {
                "id": "probe-7",
                "kind": "change",
                "spec": CHANGE,
                **PLACE,
                "checkpoint": "last",
                "n": 30,
                "state": "succeeded",
                "reason": None,
                "result": SCALARS,
            }
        ],
        "claims": [],
        "failures": [],
    },
}
