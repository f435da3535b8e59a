"""Disturbances: experiments long enough to be disturbed, and what an undisturbed one measures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

from memspan.engine.condition import Condition
from memspan.engine.events import Evaluated, Finished, Outcome
from memspan.engine.placement import Placement, place
from memspan.engine.trainer import Trainer
from memspan.experiment.checkpoint import packed
from memspan.experiment.grid import conditions
from memspan.experiment.spec import ExperimentSpec
from tests.processes import Client, MemspanProcess, kill
from tests.waiting import until

EPOCHS = 10


def lasting(epochs: int) -> dict[str, Any]:
    """Three runs that one worker trains together, some 0.3 s an epoch: a slice."""
    return {
        "name": "disturbed",
        "tasks": [{"kind": "latch"}],
        "models": [{"kind": "rnn", "hidden_size": 1}],
        "lengths": [64],
        "training": {"epochs": epochs, "batch_size": 1, "train_size": 50_000, "validation_size": 64, "test_size": 64},
        "repeats": 3,
        "seed": 7,
    }


SPEC = lasting(EPOCHS)
LONG = lasting(100_000)
"""without an end"""
ENOUGH_SECONDS = 120


SHORT = lasting(1)
"""for what is disturbed by its number"""


def undisturbed(epochs: int = EPOCHS) -> list[Any]:
    """The numbers of ``lasting(epochs)`` when nothing happens to it."""
    return numbers_of(lasting(epochs))


def numbers_of(spec: Mapping[str, Any]) -> list[Any]:
    """The numbers of an experiment when nothing happens to it: trained here, in this very process."""
    return _numbers_of(json.dumps(spec))


@cache
def _numbers_of(spec: str) -> list[Any]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        parsed = ExperimentSpec.model_validate_json(spec)
        return [each for condition in conditions(parsed) for each in _trained(condition, range(parsed.repeats))]
    finally:
        torch.set_num_threads(threads)


def _trained(condition: Condition, repeats: range) -> list[Any]:
    """The numbers of some repeats, in the form of ``Client.numbers``: as a worker trains them, stack by stack."""
    placement = place(condition)
    stacks = [range(first, min(first + placement.width, repeats.stop)) for first in repeats[:: placement.width]]
    return [each for stack in stacks for each in _stack(placement, stack)]


def _stack(placement: Placement, repeats: range) -> list[Any]:
    series: dict[int, list[Any]] = {repeat: [] for repeat in repeats}
    for event in Trainer(placement, repeats).events():
        if isinstance(event, Evaluated):
            for repeat, values in event.metrics.items():
                series[repeat] += _points(event.epoch, values)
        if isinstance(event, Finished):
            seed = placement.condition.run_seed
            return [_numbers(seed(repeat), event.outcomes[repeat], series[repeat]) for repeat in repeats]
    raise AssertionError("training ended without its last event")


def _points(epoch: int, values: Mapping[str, float]) -> list[Any]:
    named = [(*name.split("_"), value) for name, value in values.items()]
    return [{"split": split, "name": name, "epoch": epoch, "value": value} for split, name, value in named]


def _numbers(seed: int, outcome: Outcome, series: list[Any]) -> Any:
    test = {name: value for name, value in outcome.metrics.items() if name.startswith("test_")}
    points = series + _points(outcome.last_epoch, test)
    return {
        "seed": seed,
        "metrics": dict(outcome.metrics),
        "series": sorted(points, key=lambda point: (point["split"], point["name"], point["epoch"])),
        "weights": [packed(outcome.best).sha256, packed(outcome.last).sha256],
    }


def ends_undisturbed(client: Client, name: str, spec: Mapping[str, Any] = SPEC) -> None:
    """An experiment ends well by itself, with each metric once and the numbers that it has anywhere else."""
    assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
    assert client.numbers(name) == numbers_of(spec)


def under_way(client: Client, name: str, beyond: float = 0.0) -> float:
    """Wait until an experiment has got further than ``beyond``; how far it is."""

    def look() -> float | None:
        found = client.experiment(name)
        assert found["state"] in ("queued", "running"), found["state"]
        done = float(found["progress"]["completed"])
        return done if done > beyond else None

    return float(until(look, ENOUGH_SECONDS, f"progress beyond {beyond} epochs") or 0)


def holder(client: Client, name: str) -> Any:
    """The worker that holds something while an experiment runs, once there is one that has just beaten."""

    def look() -> Any:
        assert client.experiment(name)["state"] in ("queued", "running")
        busy = [worker for worker in client.workers() if worker["state"] == "busy"]
        return busy[0] if len(busy) == 1 else None

    return until(look, ENOUGH_SECONDS, "one busy worker")


def killed(client: Client, name: str, times: int) -> None:
    """Kill the worker process that holds an experiment, ``times`` times, each when it has got further."""
    done = 0.0
    for _ in range(times):
        under_way(client, name, beyond=done)
        victim = holder(client, name)
        kill(victim["pid"])
        until(lambda victim=victim: victim["name"] not in names(client), 30, "the dead worker to be noticed")
        done = float(client.experiment(name)["progress"]["completed"])


def names(client: Client) -> set[str]:
    return {worker["name"] for worker in client.workers()}


def attempts(client: Client, name: str) -> set[int]:
    return {run["attempt"] for run in client.runs(name)}


def noticed(process: MemspanProcess, before: str) -> bool:
    """Whether a worker has said since ``before`` that it left runs that others have: at a write, or in between."""
    said = process.said().removeprefix(before)
    return any(f'"fate": "{fate}"' in said for fate in ("LOST", "INTERRUPTED"))
