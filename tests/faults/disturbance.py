"""Disturbances: experiments long enough to be disturbed, and what an undisturbed one measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.processes import Client
from tests.waiting import until

SPEC: dict[str, Any] = {
    "name": "disturbed",
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [8],
    "training": {"epochs": 10, "train_size": 3200, "validation_size": 64, "test_size": 64},
    "repeats": 3,
    "seed": 7,
}
"""three runs that one worker trains together in several seconds: dozens of slices"""
LONG = {**SPEC, "training": {**SPEC["training"], "epochs": 100_000}}
"""the same without an end"""
ENOUGH_SECONDS = 120


def undisturbed(client: Client) -> list[Any]:
    """The numbers of ``SPEC`` when nothing happens to it."""
    name = client.submit(SPEC)
    assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
    return client.numbers(name)


def progress(client: Client, name: str) -> float:
    return float(client.experiment(name)["progress"]["completed"])


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


def disturbed(client: Client, name: str, times: int, deed: Callable[[Any], None]) -> None:
    """Do something to the worker that holds an experiment, ``times`` times, each when it has got further."""
    done = 0.0
    for _ in range(times):
        done = under_way(client, name, beyond=done)
        deed(holder(client, name))


def attempts(client: Client, name: str) -> set[int]:
    return {run["attempt"] for run in client.runs(name)}
