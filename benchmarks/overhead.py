"""What the service costs beside the training itself: a study of 50 conditions x 30 runs."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import torch

from benchmarks.latency import _finished
from benchmarks.report import Figure, table
from benchmarks.stage import database_url, service
from memspan.engine.fused.warming import warm
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.experiment.grid import conditions
from memspan.experiment.run import parse
from migrations.upgrade import upgrade
from service.operations import claiming, experiments, finish_runs, telling, work
from service.operations.context import Context
from service.queue.bell import NoBell
from service.queue_names import Queue
from service.settings import Settings
from service.storage import leases
from service.storage.database import Database
from tests.waiting import until
from workers.beat import Beat
from workers.identity import identify
from workers.loop import Loop

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}],
    "lengths": list(range(2, 27)),
    "training": {"epochs": 5, "train_size": 1_600, "validation_size": 400, "test_size": 1_000},
    "repeats": 30,
}
STORED: dict[str, Any] = {**SPEC, "training": {**SPEC["training"], "train_size": 32}}
"""the same, trained on next to nothing: what is left is storing"""
RUNS = 1_500
CORES = 2


def main() -> str:
    """Measure the same study three ways."""
    engine = engine_seconds()
    wall = service_seconds()
    storing = storage_seconds(STORED)
    figures = [
        Figure(f"engine alone: {RUNS} runs on {CORES} processes", f"{engine:.1f} s"),
        Figure("the same over HTTP, from POST to succeeded (SQLite, local workers)", f"{wall:.1f} s"),
        Figure("what the service adds", f"{wall - engine:.1f} s: {1000 * (wall - engine) / RUNS:.2f} ms a run",
               "<= 25 % of the whole latch study: engine_latch"),
        Figure("claims, SQL and events of a run (SQLite)", f"{1000 * storing / RUNS:.2f} ms", "<= .5 ms"),
    ]  # fmt: skip
    return table("A study of 50 conditions x 30 runs", figures)


def engine_seconds() -> float:
    """Wall seconds of the training and scoring alone, the longest conditions first."""
    grid = conditions(parse(SPEC))
    order = sorted(range(len(grid)), key=lambda index: -place(grid[index]).stack_seconds)
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn"), initializer=_ready) as pool:
        list(pool.map(_nothing, range(CORES)))
        start = time.perf_counter()
        list(pool.map(_train, order))
        return time.perf_counter() - start


def _ready() -> None:
    """What a worker has done before its first claim."""
    torch.set_num_threads(1)
    warm()


def _nothing(index: int) -> None:
    """Lets a process start before the clock does."""


def _train(index: int) -> None:
    condition = conditions(parse(SPEC))[index]
    size = place(condition).width
    for first in range(0, SPEC["repeats"], size):
        for _ in Trainer(place(condition), range(first, min(first + size, SPEC["repeats"]))).events():
            pass


def service_seconds() -> float:
    """Wall seconds over HTTP."""
    with database_url("sqlite") as url, service(url, "serve", "--workers", str(CORES)) as (client, _):
        until(lambda: len(client.get("/workers").json()["items"]) == CORES, 60, "all workers")
        start = time.perf_counter()
        key = client.post("/experiments", json=SPEC).raise_for_status().json()["id"]
        _finished(client, key)
        return time.perf_counter() - start


CALLED = (
    (claiming, "claim_several"),
    (work, "tell"),
    (work, "keep"),
    (finish_runs, "hand_in"),
    (finish_runs, "end"),
    (telling, "tell_the_rest"),
    (leases, "waiting_queues"),
)
"""what a worker asks the database for while it trains, where its loop finds it"""
NEEDED = ("claim_several", "hand_in")
"""without which nothing was measured"""


def storage_seconds(spec: Mapping[str, Any]) -> float:
    """Seconds that one worker spends in claims and reports for all runs of an experiment.

    Raises:
        RuntimeError: the loop no longer calls what is timed.
    """
    with TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        database = Database(settings.database_url)
        upgrade(database.engine)
        context = Context(settings, database, NoBell())
        experiments.submit(context, parse(spec))
        identity = identify((Queue.CPU,), 2**34)
        beat = Beat(context, identity)
        beat.start()
        clock = Clock()
        with ExitStack() as patches:
            for room, name in CALLED:
                patches.enter_context(mock.patch.object(room, name, clock.timed(getattr(room, name))))
            Loop(context, identity, beat, lambda: False).work([Queue.CPU])
        beat.end()
        database.close()
    if unheard := [name for name in NEEDED if not clock.calls[name]]:
        raise RuntimeError(f"The loop calls no {' and no '.join(unheard)} any more: see CALLED.")
    return clock.seconds


class Clock:
    """Adds up the seconds of the calls that it times, and counts them by name."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = Counter[str]()

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls[function.__name__] += 1
            start = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - start

        return call


if __name__ == "__main__":
    print(json.dumps(SPEC))
    print(main())
