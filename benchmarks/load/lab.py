"""Fifty clients read and post for five minutes while two workers train.

``python -m benchmarks lab``, or ``python -m benchmarks.load.lab 60`` for other seconds.
"""

import asyncio
import random
import sys
import time
from contextlib import suppress

import httpx

from benchmarks.load.answers import Answers
from benchmarks.report import table
from benchmarks.stage import database_url, service
from tests.waiting import until

CLIENTS = 50
SECONDS = 300.0
WORKERS = 2
PAUSE_SECONDS = 1.0
"""a client thinks between two requests, up to twice this long"""
SHARE_OF_POSTS = 0.1
TINY = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [5, 10],
    "training": {"epochs": 2, "train_size": 64, "validation_size": 32, "test_size": 32},
    "repeats": 2,
}
BUSY = {
    "name": "keeps both workers busy",
    "tasks": [{"kind": "adding"}],
    "models": [{"kind": "lstm", "hidden_size": 24}],
    "lengths": [100],
    "training": {"epochs": 2_000, "train_size": 2_000},
    "repeats": 20,
}
LISTS = ("list", "runs", "page")
READS = (*LISTS, "one", "results", "csv", "ready")


class Member:
    """One of the lab: reads what it and others posted, and posts now and then."""

    def __init__(self, answers: Answers, client: httpx.AsyncClient, seed: int, keys: list[str]) -> None:
        self._answers, self._client, self._keys = answers, client, keys
        self._chance = random.Random(seed)

    async def work(self, until_time: float) -> None:
        while time.perf_counter() < until_time:
            with suppress(httpx.TransportError):  # noted by the answers
                await self._one()
            await asyncio.sleep(self._chance.uniform(0, 2 * PAUSE_SECONDS))

    async def _one(self) -> None:
        if self._chance.random() < SHARE_OF_POSTS:
            answer = await self._answers.ask("post", self._client, "POST", "/experiments", json=TINY)
            if answer.status_code == 201:
                self._keys.append(answer.json()["id"])
            return
        kind = self._chance.choice(READS)
        key = self._chance.choice(self._keys)
        path = {
            "list": "/experiments",
            "runs": f"/experiments/{key}/runs",
            "page": "/results",
            "one": f"/experiments/{key}",
            "results": f"/results/{key}",
            "csv": f"/results/{key}?format=csv",
            "ready": "/health/ready",
        }[kind]
        accept = {"Accept": "text/html"} if kind == "page" else {}
        await self._answers.ask(kind, self._client, "GET", path, headers=accept)


async def crowd(url: str, first: str, seconds: float) -> Answers:
    """What all members of the lab were answered."""
    answers, keys = Answers(), [first]
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        end = time.perf_counter() + seconds
        await asyncio.gather(*(Member(answers, client, seed, keys).work(end) for seed in range(CLIENTS)))
    return answers


def main(seconds: float = SECONDS) -> str:
    """Over both databases."""
    return "\n".join(_measured(dialect, seconds) for dialect in ("sqlite", "postgresql"))


def _measured(dialect: str, seconds: float) -> str:
    with database_url(dialect) as url, service(url, "serve", "--workers", str(WORKERS)) as (client, _):
        busy = client.post("/experiments", json=BUSY).raise_for_status().json()["id"]
        until(lambda: client.get(f"/experiments/{busy}").json()["state"] == "running", 60, "workers to be busy")
        answers = asyncio.run(crowd(str(client.base_url), busy, seconds))
        still = client.get(f"/experiments/{busy}").json()["state"]
        assert still == "running", f"the workers were not busy to the end: {still}"
    figures = [
        answers.figure("reads", READS, "p99 <= 300 ms"),
        answers.figure("of these lists and pages", LISTS, "p99 <= 300 ms"),
        answers.figure("POST /experiments, 4 runs", ("post",), "p99 <= 1 000 ms"),
        answers.wrong(),
    ]
    return table(f"{CLIENTS} clients for {seconds:.0f} s beside {WORKERS} busy workers, {dialect}", figures)


if __name__ == "__main__":
    print(main(*map(float, sys.argv[1:])))
