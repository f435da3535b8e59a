"""A whole study by two processes of one thread each: claims of the service's own size, the longest first."""

import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

import torch

from benchmarks.latency import _finished
from benchmarks.peer import WORKERS
from benchmarks.stage import database_url, service
from memspan.engine.condition import Condition
from memspan.engine.fused.warming import warm
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.experiment.grid import conditions
from memspan.experiment.run import parse
from tests.waiting import until

Body = dict[str, Any]
"""what a user would post"""
START_SECONDS = 0.3
"""a process that waits so long leaves the next task to the other one"""


@dataclass(frozen=True)
class Timed:
    """Seconds of a study: on the wall, and of both processes together."""

    wall: float
    cores: float

    def __str__(self) -> str:
        return f"{self.wall:.1f} s ({self.cores:.1f} core-s)"


def trained(body: Body, rounds: int = 1) -> Timed:
    """Training and scoring alone, the best of some rounds, in processes that are warm as the service's workers are."""
    return min((_once(json.dumps(body)) for _ in range(rounds)), key=lambda timed: timed.wall)


def _once(text: str) -> Timed:
    with ProcessPoolExecutor(WORKERS, get_context("spawn"), _prepare, (text,)) as pool:
        list(pool.map(time.sleep, [START_SECONDS] * WORKERS))
        tasks = [(text, index, first) for index, first in claims(text)]
        begun = time.perf_counter()
        spent = list(pool.map(_train, tasks))
        return Timed(time.perf_counter() - begun, sum(spent))


def claims(text: str) -> list[tuple[int, int]]:
    """Condition and first repeat of each claim, in the order in which the service hands them out."""
    grid, repeats = _grid(text), json.loads(text)["repeats"]
    order = sorted(range(len(grid)), key=lambda index: -_cost(grid[index]))
    return [(index, first) for index in order for first in range(0, repeats, place(grid[index]).width)]


def _cost(condition: Condition) -> float:
    return place(condition).stack_seconds


@lru_cache(maxsize=2)
def _grid(text: str) -> tuple[Condition, ...]:
    """A process parses a study once, as the service's workers do."""
    return conditions(parse(text))


def _prepare(text: str) -> None:
    """One thread, and the loops loaded."""
    torch.set_num_threads(1)
    for condition in _grid(text):
        warm((condition.model,), condition.task)


def _train(claim: tuple[str, int, int]) -> float:
    """Train and score the runs of a claim; seconds of this process."""
    text, index, first = claim
    condition, begun = _grid(text)[index], time.process_time()
    last = min(first + place(condition).width, json.loads(text)["repeats"])
    for _ in Trainer(place(condition), range(first, last)).events():
        pass
    return time.process_time() - begun


def posted(body: Body) -> float:
    """Wall seconds from POST /experiments to succeeded: SQLite and local workers, as ``memspan serve`` has them."""
    with database_url("sqlite") as url, service(url, "serve", "--workers", str(WORKERS)) as (client, _):
        until(lambda: len(client.get("/workers").json()["items"]) == WORKERS, 60, "all workers")
        begun = time.perf_counter()
        key = client.post("/experiments", json=body).raise_for_status().json()["id"]
        _finished(client, key)
        wall = time.perf_counter() - begun
        state = client.get(f"/experiments/{key}").json()["state"]
    if state != "succeeded":
        raise RuntimeError(f"the study ended as {state}")
    return wall
