"""``python -m benchmarks.golden store FILE`` or ``compare FILE``: digests of all numbers.

Digests of metrics and weights of small runs of every engine, optimiser and sort of layer, of a resumed run, and of each
probe's answer. They hold on one type of machine with one set of packages only, so the file is stored before a change
and compared after it, and is no part of the repository; that packings and resumes are bit-equal is what the tests hold.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import memspan
from memspan.engine.condition import Condition
from memspan.engine.events import Finished
from memspan.engine.placement import EngineName, place
from memspan.engine.stack import PlacesClash
from memspan.engine.trainer import Trainer
from memspan.experiment.grid import conditions
from memspan.experiment.run import parse
from memspan.probes import probe

SIZES = {"train_size": 96, "validation_size": 64, "test_size": 80, "epochs": 2, "batch_size": 16}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": {"kind": "adam", "learning_rate": 0.01}},
    "adamw": {"optimizer": {"kind": "adamw", "learning_rate": 0.01}},
    "nadam": {"optimizer": {"kind": "nadam", "learning_rate": 0.01}},
    "rmsprop": {"optimizer": {"kind": "rmsprop", "learning_rate": 0.01}},
    "rmsprop, momentum": {"optimizer": {"kind": "rmsprop", "learning_rate": 0.01, "momentum": 0.9}},
    "sgd": {"optimizer": {"kind": "sgd", "learning_rate": 0.1}},
    "sgd, momentum": {"optimizer": {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9}},
    "sgd, nesterov": {"optimizer": {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True}},
    "adam, clipped, decayed": {"clip_norm": 0.5, "weight_decay": 0.01},
    "sgd, clipped, decayed": {
        "optimizer": {"kind": "sgd", "learning_rate": 0.1}, "clip_norm": 0.5, "weight_decay": 0.01,
    },
}  # fmt: skip
SUBJECTS: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "unrolled": ({"kind": "latch"}, {"kind": "lstm", "hidden_size": 2}, 10),
    "looped": ({"kind": "adding"}, {"kind": "gru", "hidden_size": 20}, 12),
    "woven": ({"kind": "adding"}, {"kind": "lstm", "hidden_size": 96}, 9),
    "torch": ({"kind": "adding"}, {"kind": "tcn"}, 12),
    "dense": ({"kind": "latch"}, {"kind": "mlp"}, 10),
}
"""each with every optimiser"""
OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "every step": ({"kind": "binary_addition"}, {"kind": "lstm", "hidden_size": 3}, 6),
    "stacked": ({"kind": "latch"}, {"kind": "gru", "hidden_size": [3, 2]}, 8),
    "bidirectional": ({"kind": "latch"}, {"kind": "rnn", "hidden_size": 3, "bidirectional": True}, 6),
    "wide and bidirectional": ({"kind": "adding"}, {"kind": "rnn", "hidden_size": 80, "bidirectional": True}, 6),
    "peepholes": ({"kind": "latch"}, {"kind": "lstm", "hidden_size": 2, "peephole": True}, 8),
    "power law": ({"kind": "adding"}, {"kind": "power_law_lstm", "hidden_size": 3}, 8),
    "reset before": ({"kind": "latch"}, {"kind": "gru", "hidden_size": 3, "reset": "before"}, 8),
    "dropout": ({"kind": "latch"}, {"kind": "lstm", "hidden_size": 3, "dropout": 0.2}, 8),
    "lru": ({"kind": "latch"}, {"kind": "lru"}, 8),
    "min_gru": ({"kind": "latch"}, {"kind": "min_gru", "hidden_size": 4}, 8),
    "min_lstm": ({"kind": "latch"}, {"kind": "min_lstm", "hidden_size": 4}, 8),
    "cnn": ({"kind": "first_last"}, {"kind": "cnn"}, 8),
    "sigmoid map": ({"kind": "delay"}, {"kind": "sigmoid_map"}, 8),
}
NOTED = ("seconds_per_epoch", "processors")
"""of conditions: what a machine notes of itself"""
TOLD = ("written", "budget", "convergence", "by_budget", "steps_to_solve", "inner_parameters", "by_lag")
"""of conditions and spans: what is said of numbers that have digests already"""
TRAINED_ANEW: dict[str, dict[str, Any]] = {"per repeat": {"data": "per_repeat"}, "fresh": {"data": "fresh"}}


def spec(task: dict[str, Any], model: dict[str, Any], length: int, **training: Any) -> dict[str, Any]:
    return {
        "tasks": [task], "models": [model], "lengths": [length], "training": SIZES | training, "repeats": 3, "seed": 7,
    }  # fmt: skip


def digest(value: Any) -> str:
    """Of tensors by name, or of anything that JSON can say."""
    sha = hashlib.sha256()
    if isinstance(value, Mapping) and value and all(hasattr(each, "numpy") for each in value.values()):
        for name in sorted(value):
            sha.update(name.encode() + value[name].detach().contiguous().numpy().tobytes())
    else:
        sha.update(json.dumps(value, sort_keys=True, default=str).encode())
    return sha.hexdigest()[:16]


def _condition(asked: dict[str, Any]) -> Condition:
    return conditions(parse(asked))[0]


def _together(condition: Condition, engine: EngineName | None = None) -> Trainer:
    """Three repeats side by side, or one where no two find places."""
    try:
        return Trainer(place(condition, engine=engine), (0, 1, 2))
    except PlacesClash:
        return Trainer(place(condition, engine=engine), (0,))


def _trained(trainer: Trainer) -> dict[str, Any]:
    """Digests of every run's weights and metrics."""
    (finished,) = (event for event in trainer.events() if isinstance(event, Finished))
    return {
        str(repeat): [digest(outcome.last), digest(outcome.best), digest(dict(outcome.metrics))]
        for repeat, outcome in finished.outcomes.items()
    }


def _resumed(condition: Condition) -> dict[str, Any]:
    """Digests of runs that stop at the third place where they may, and go on in another trainer."""
    first = _together(condition)
    for number, _ in enumerate(first.events()):
        if number == 2:
            break
    snapshots = first.snapshots()
    return _trained(Trainer(place(condition), tuple(snapshots), snapshots))


def runs() -> Iterator[tuple[str, Any]]:
    """Metrics and weights by name."""
    for name, subject in SUBJECTS.items():
        for optimizer, training in OPTIMIZERS.items():
            condition = _condition(spec(*subject, **training))
            yield f"{name}: {optimizer}", _trained(_together(condition))
        for data, training in TRAINED_ANEW.items():
            yield f"{name}: {data}", _trained(_together(_condition(spec(*subject, **training))))
        yield f"{name}: resumed", _resumed(_condition(spec(*subject)))
        yield f"{name}: torch engine", _trained(_together(_condition(spec(*subject)), "torch"))
    for name, subject in OTHERS.items():
        yield name, _trained(_together(_condition(spec(*subject))))


PROBED: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    ({"kind": "latch"}, {"kind": "lstm", "hidden_size": 2}, 8),
    ({"kind": "adding"}, {"kind": "rnn", "hidden_size": 4}, 8),
    ({"kind": "first_last"}, {"kind": "cnn"}, 8),
    ({"kind": "binary_addition"}, {"kind": "gru", "hidden_size": 3}, 5),
]
ASKED: dict[str, dict[str, Any]] = {"change": {"index": 0}}
TIMED = {"latency"}


def probes() -> Iterator[tuple[str, Any]]:
    """Each probe's answer wherever it applies."""
    for task, model, length in PROBED:
        for kind in probe.kinds():
            asked = spec(task, model, length) | {"probes": [{"kind": kind, **ASKED.get(kind, {})}]}
            if kind in TIMED:
                continue
            try:
                found = memspan.run(asked)
            except ValueError as error:
                yield f"{kind} on {task['kind']}, {model['kind']}", digest(str(error))
            else:
                yield f"{kind} on {task['kind']}, {model['kind']}", digest(found.document["probes"])


def documents() -> Iterator[tuple[str, Any]]:
    """Tables with their intervals, a searched span among them."""
    asked = spec({"kind": "latch"}, {"kind": "rnn", "hidden_size": 1}, 2, train_size=800) | {
        "lengths": [2, 5, 10, 20],
        "repeats": 6,
    }
    searched = asked | {"lengths": {"search": {"low": 2, "high": 60}}}
    for name, each in {"grid": asked, "search": searched}.items():
        found = memspan.run(each)
        yield f"rows of a {name}", digest([[row.condition, row.repeat, dict(row.metrics)] for row in found.rows])
        tables = [
            [{k: v for k, v in each.items() if k not in (*NOTED, *TOLD)} for each in found.document[part]]
            for part in ("conditions", "spans")
        ]
        yield f"tables of a {name}", digest(tables)


def everything() -> dict[str, Any]:
    return {name: value for part in (runs, probes, documents) for name, value in part()}


def main(word: str, file: str) -> int:
    found = everything()
    if word == "store":
        Path(file).write_text(json.dumps(found, indent=1))
        print(f"{len(found)} digests stored.")
        return 0
    stored = json.loads(Path(file).read_text())
    different = [name for name in stored if found.get(name) != stored[name]]
    new = [name for name in found if name not in stored]
    print(f"{len(stored) - len(different)} of {len(stored)} digests are equal, {len(new)} are new.")
    for name in different:
        print(f"  differs: {name}")
    return 1 if different else 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("store", "compare"):
        sys.exit("python -m benchmarks.golden store|compare FILE")
    sys.exit(main(*sys.argv[1:]))
