"""One experiment of 100 000 runs: submitted, exported, cancelled, retried, shown and deleted, while others ask."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from sqlalchemy import bindparam, update

from benchmarks.report import Figure, quantile, table
from benchmarks.stage import database_url, megabytes, service
from service.operations.exports import METRICS
from service.storage import runs, tables
from service.storage.database import Database
from tests.waiting import until

LARGE = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}],
    "lengths": list(range(2, 102)),
    "training": {"epochs": 1, "train_size": 16, "validation_size": 16, "test_size": 16},
    "repeats": 500,
}
RUNS = 100_000
LOOK_SECONDS = 0.02
WRITTEN_AT_ONCE = 5_000


@contextmanager
def watched(url: str, pid: int) -> Iterator[tuple[list[float], list[float]]]:
    """While the block runs, how long /health/live takes and what memory the API has, asked over and over."""
    waits: list[float] = []
    memory: list[float] = []
    done = threading.Event()

    def look() -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not (waits and done.is_set()):
                begun = time.perf_counter()
                client.get("/health/live").raise_for_status()
                waits.append(time.perf_counter() - begun)
                memory.append(megabytes(pid))
                time.sleep(LOOK_SECONDS)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield waits, memory
    finally:
        done.set()
        thread.join()


def _exported(client: httpx.Client, key: str) -> int:
    """Read the CSV as it streams; its lines."""
    lines = 0
    with client.stream("GET", f"/results/{key}?format=csv") as answer:
        answer.raise_for_status()
        for _ in answer.iter_lines():
            lines += 1
    return lines


def main() -> str:
    return "\n".join(_measured(dialect) for dialect in ("sqlite", "postgresql"))


def _measured(dialect: str) -> str:
    figures = []
    with database_url(dialect) as url, service(url, "api") as (client, pid):
        client.post("/experiments", json={**LARGE, "repeats": 1}).raise_for_status()  # what is imported once

        def step(what: str, action: Callable[[], str], goal: str) -> None:
            before = megabytes(pid)
            with watched(str(client.base_url), pid) as (waits, memory):
                begun = time.perf_counter()
                told = action()
                took = time.perf_counter() - begun
            more = max(memory) - before
            words = f"{took:.2f} s{told}; health p99 {1000 * quantile(waits, 0.99):.0f} ms; memory + {more:.0f} MB"
            figures.append(Figure(what, words, goal))

        key = ""

        def post() -> str:
            nonlocal key
            key = client.post("/experiments", json=LARGE).raise_for_status().json()["id"]
            return ""

        step("POST of 100 000 runs", post, "<= 3 s; health p99 <= 100 ms")
        step("its CSV", lambda: f", {_exported(client, key)} lines", "flat memory; health p99 <= 100 ms")
        step("cancel", lambda: _told(client.post(f"/experiments/{key}/cancel")), "<= 1 s; health p99 <= 100 ms")
        step("until all are cancelled", lambda: _until_over(client, key), "health p99 <= 100 ms")
        step("retry, of as many", lambda: _beside(client, lambda: _told(client.post(f"/experiments/{key}/retry"))),
             "bounded: what else is posted meanwhile waits no longer than for the POST of them, <= 3 s")  # fmt: skip
        client.post(f"/experiments/{key}/cancel").raise_for_status()
        _until_over(client, key)
        trained(url, int(key.removeprefix("exp-")))
        step(
            "its results as JSON, of runs that have ended", lambda: _size(client.get(f"/results/{key}")), "flat memory"
        )
        step("delete", lambda: _told(client.delete(f"/experiments/{key}")), "<= 1 s; health p99 <= 100 ms")
    return table(f"An experiment of 100 000 runs, {dialect}", figures)


def _told(answer: httpx.Response) -> str:
    answer.raise_for_status()
    return ""


def _size(answer: httpx.Response) -> str:
    return f", {len(answer.raise_for_status().content) / 1e6:.1f} MB"


def _beside(client: httpx.Client, action: Callable[[], str]) -> str:
    """Post small experiments meanwhile; what the slowest of them took is told beside."""
    waits: list[float] = []
    done = threading.Event()

    def post() -> None:
        with httpx.Client(base_url=client.base_url, timeout=60) as other:
            while not (waits and done.is_set()):
                begun = time.perf_counter()
                other.post("/experiments", json={**LARGE, "lengths": [2], "repeats": 1}).raise_for_status()
                waits.append(time.perf_counter() - begun)

    thread = threading.Thread(target=post)
    thread.start()
    try:
        told = action()
    finally:
        done.set()
        thread.join()
    return f"{told}; the slowest of {len(waits)} small POSTs beside it {max(waits):.2f} s"


def trained(url: str, experiment: int) -> None:
    """Write into the rows of runs that they have succeeded, with any numbers: how they are shown is the question."""
    database, draw = Database(url), random.Random(1)
    statement = update(tables.runs).where(tables.runs.c.key == bindparam("run"))
    with database.reading() as connection:
        keys = runs.keys_of(connection, experiment)
    for start in range(0, len(keys), WRITTEN_AT_ONCE):
        rows = [
            {
                "run": key,
                "state": "succeeded",
                "seconds": draw.random(),
                "metrics": {name: draw.random() for name in METRICS},
            }
            for key in keys[start : start + WRITTEN_AT_ONCE]
        ]
        with database.writing() as connection:
            connection.execute(statement, rows)
    database.close()


def _until_over(client: httpx.Client, key: str) -> str:
    def over() -> bool:
        shown = client.get(f"/experiments/{key}").raise_for_status().json()
        return bool(shown["state"] == "cancelled" and shown["runs"]["cancelled"] == RUNS)

    until(over, 300, "all runs to be cancelled")
    return ""


if __name__ == "__main__":
    print(main())
