"""A results document of known content, as the service answers it."""

from __future__ import annotations

from typing import Any

LATCH = {"kind": "latch", "noise": 0.1}
FIRST_LAST = {"kind": "first_last"}
RNN = {"kind": "rnn", "hidden_size": 1, "initialization": "keras"}
LSTM = {"kind": "lstm", "hidden_size": 1, "initialization": "keras"}
CHRONO = {"kind": "lstm", "hidden_size": 1, "initialization": "chrono"}
LENGTHS = (2, 10, 50)
BUDGET = {"optimizer": "adam", "learning_rate": 0.001, "epochs": 5, "steps": 2500, "sequences": 40_000}

Part = dict[str, Any]


def document(tasks: tuple[Part, ...] = (LATCH,), lengths: tuple[int | None, ...] = LENGTHS) -> dict[str, Any]:
    """Results of three models on the tasks, complete, with probes and learning curves."""
    places = [(task, model, length) for task in tasks for model in (RNN, LSTM, CHRONO) for length in lengths]
    probes = [("change", scalars), ("occlusion", curve)]
    return {
        "experiment": {"id": "e1", "name": "latch", "state": "succeeded"},
        "conditions": [condition(*place) for place in places],
        "spans": [span(task, model) for task in tasks for model in (RNN, LSTM, CHRONO)],
        "comparisons": [comparison(task, metric) for task in tasks for metric in ("span", metric_name(task))],
        "baselines": [baseline for task in tasks for baseline in baselines(task)],
        "probes": [probe(kind, result(), *place) for kind, result in probes for place in places],
        "learning": [learning(*place) for place in places],
        "claims": [],
    }


def empty() -> dict[str, Any]:
    """An experiment of which nothing has finished."""
    return {"experiment": {"id": "e1"}, "conditions": [], "spans": [], "baselines": [], "probes": [], "claims": []}


def metric_name(task: Part) -> str:
    return "test_loss" if task == FIRST_LAST else "test_accuracy"


def condition(task: Part, model: Part, length: int | None) -> Part:
    mean = {"rnn": 0.6, "lstm": 0.9}[model["kind"]]
    summary = {"n": 30, "mean": mean, "std": 0.01, "median": mean, "low": mean - 0.05, "high": mean + 0.05}
    return {
        "task": task,
        "model": model,
        "length": length,
        "runs": {"total": 30, "succeeded": 30, "failed": 0, "diverged": 2},
        "metrics": {metric_name(task): summary},
        "success": {"rate": 0.8, "low": 0.63, "high": 0.9, "n": 30},
        "budget": BUDGET,
        "convergence": {"state": "improving", "runs": {"converged": 24, "improving": 6, "diverged": 0}},
        "parameters": 16,
        "inner_parameters": 12,
        "state_size": 2,
        "receptive_field": None,
        "seconds_per_epoch": 0.01,
        "engine": "fused",
    }


def with_lags(form: dict[str, Any]) -> dict[str, Any]:
    """The same of a task that tells lags; one model sees a window, one condition has a single run."""
    told = {
        "lag": [2.0, 5.5, 7.5],
        "first": [2, 5, 7],
        "last": [2, 6, 8],
        "accuracy": [0.99, 0.7, "NaN"],
        "low": [0.98, 0.6, "NaN"],
        "high": [1.0, 0.8, "NaN"],
        "asked": [400, 300, 100],
        "n": 30,
        "bound": None,
    }
    window, single = {"bound": [1.0, 0.1, 0.1]}, {"low": None, "high": None, "n": 1}
    each = [told | (window if condition["model"] == RNN else {}) for condition in form["conditions"]]
    each[-1] = told | single
    return {**form, "conditions": [c | {"by_lag": found} for c, found in zip(form["conditions"], each, strict=True)]}


def span(task: Part, model: Part) -> Part:
    censored = "above" if model == CHRONO else None
    at = 50.0 if censored else 20.0
    bounds = {"span": at, "low": at - 5, "high": at}
    found = {"task": task, "model": model, **bounds, "longest_solved": 10, "censored": censored}
    return {
        **found,
        "budget": BUDGET,
        "convergence": {"state": "improving", "runs": {"converged": 72, "improving": 18}},
        "by_budget": by_budget(model),
    }


def comparison(task: Part, metric: str) -> Part:
    """An RNN beside an LSTM that lies beyond all lengths: at most so much."""
    away = {"difference": -30.0, "low": None, "high": -25.0, "ratio": 0.4, "ratio_low": 0.0, "ratio_high": 0.5}
    sure = {"probability_a_better": 0.2, "n": 30, "p": 0.001, "adjusted_p": 0.003, "family": 3, "bound": "at_most"}
    told = {"same_budget": True, "both_converged": False, "sentence": "lstm · chrono remembers longer than rnn."}
    return {"task": task, "a": RNN, "b": CHRONO, "metric": metric, "length": None, **away, **sure, **told}


def by_budget(model: Part) -> list[Part]:
    """Below all lengths at first, and beyond them in the end where the span is."""
    last = {"span": 50.0, "low": 45.0, "high": 50.0, "censored": "above"}
    inside = {"span": 20.0, "low": 15.0, "high": 20.0, "censored": None}
    points = [{"span": 2.0, "low": 2.0, "high": 2.0, "censored": "below"}, inside, last if model == CHRONO else inside]
    return [{"epochs": epoch, "steps": 500 * epoch, **point} for epoch, point in enumerate(points, start=1)]


def baselines(task: Part) -> list[Part]:
    named = [("chance", 0.5), ("random_guessing", 0.5), ("integrator", 0.98)]
    return [{"task": task, "name": name, "metric": metric_name(task), "value": value} for name, value in named]


def scalars() -> Part:
    values = {"values": {"change": 20.0}, "low": {"change": 18.0}, "high": {"change": 22.0}}
    return {"kind": "scalars", **values, "n": 30, "units": {"change": "percent"}, "baseline": {"change": 25.0}}


def curve() -> Part:
    numbers = {"x": [0, 1, 2], "y": [0.5, 0.2, 0.1], "low": [0.4, 0.1, 0.0], "high": [0.6, 0.3, 0.2], "n": 30}
    words = {"x_label": "lag", "y_label": "drop", "x_unit": "steps", "y_unit": "", "baseline": 0.0}
    scores = {"auc": 0.97, "auc_low": 0.9, "auc_high": 1.0, "effective_context": None}
    return {"kind": "curve", **numbers, **words, "scores": scores}


def probe(kind: str, result: Part, task: Part, model: Part, length: int | None) -> Part:
    place = {"task": task, "model": model, "length": length, "n": 30, "state": "succeeded"}
    return {"id": "p1", "kind": kind, "spec": {"kind": kind, "index": 0}, **place, "result": result}


def learning(task: Part, model: Part, length: int | None) -> Part:
    name = metric_name(task).removeprefix("test_")
    numbers = {"epochs": [1, 2], "mean": [0.5, 0.6], "low": [0.4, 0.5], "high": [0.6, 0.7], "n": 30}
    return {"task": task, "model": model, "length": length, "split": "validation", "name": name, **numbers}
