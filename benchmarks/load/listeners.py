"""A thousand listeners follow one experiment's events to its end; each must hear every event once and in order."""

import asyncio
import re
import time

import httpx

from benchmarks.load.answers import Answers
from benchmarks.load.connection import Connection
from benchmarks.report import Figure, quantile, table
from benchmarks.stage import database_url, megabytes, service

LISTENERS = 1_000
FOLLOWED = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}],
    "lengths": [20, 50, 100],
    "training": {"epochs": 20, "train_size": 4_000},
    "repeats": 10,
}
EVENT = re.compile(r"^id: (\d+)$", re.MULTILINE)


class Listener:
    """One who follows an experiment: the numbers of the events that it heard, and when its stream ended."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.ended = 0.0

    async def listen(self, url: str, path: str) -> None:
        """Return once the first event is heard."""
        self._connection = await Connection.opened(url)
        self._hear(await self._connection.listen(path, b"event: "))

    async def stay(self) -> None:
        """Return when the stream has ended."""
        self._hear(await self._connection.rest())
        self._connection.close()
        self.ended = time.perf_counter()

    def _hear(self, told: str) -> None:
        self.numbers += [int(number) for number in EVENT.findall(told)]


async def _crowd(url: str, key: str) -> tuple[list[Listener], Answers]:
    answers = Answers()
    crowd = [Listener() for _ in range(LISTENERS)]
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await asyncio.gather(*(each.listen(url, f"/experiments/{key}/events") for each in crowd))
        await client.post(f"/experiments/{key}/resume")
        all_ended = asyncio.gather(*(each.stay() for each in crowd))
        while not all_ended.done():
            await answers.ask("live", client, "GET", "/health/live")
            await asyncio.sleep(0.1)
        await all_ended
    return crowd, answers


def main() -> str:
    with database_url("sqlite") as url, service(url, "serve", "--workers", "2") as (client, pid):
        key = client.post("/experiments", json=FOLLOWED).raise_for_status().json()["id"]
        client.post(f"/experiments/{key}/pause").raise_for_status()
        crowd, answers = asyncio.run(_crowd(str(client.base_url), key))
        memory = megabytes(pid)
        told = client.get(f"/experiments/{key}/events?limit=500", headers={"Accept": "application/json"}).json()[
            "items"
        ]
    kept = {each["id"] for each in told}  # once it has ended: all but the progress that later progress replaced
    whole = sum(kept <= set(each.numbers) and each.numbers == sorted(set(each.numbers)) for each in crowd)
    ends = [each.ended for each in crowd]
    spread = [at - min(ends) for at in ends]
    figures = [
        Figure("listeners that heard every event once, in order", f"{whole} of {LISTENERS}", str(LISTENERS)),
        Figure("events that stay when it has ended", str(len(kept))),
        Figure("from the first listener's end to that of 99 %", f"{1000 * quantile(spread, 0.99):.0f} ms"),
        answers.figure("GET /health/live meanwhile", ("live",), "p99 <= 100 ms"),
        Figure("memory of the API process", f"{memory:.0f} MB", "<= 600 MB"),
    ]
    return table(f"{LISTENERS} listeners of one experiment", figures)


if __name__ == "__main__":
    print(main())
