"""Two hundred predictions a second on fifty stored models, with memory for few of them."""

import asyncio
import os
import random
import time
from unittest import mock

from benchmarks.latency import _finished
from benchmarks.load.answers import Answers
from benchmarks.load.connection import Connection
from benchmarks.report import Figure, table
from benchmarks.stage import database_url, megabytes, service

RATE = 200
SECONDS = 60.0
CONNECTIONS = 32
CHECKPOINTS = 50
CACHE_BYTES = 20 * 2**20
TRAINED = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "lstm", "hidden_size": 64}],
    "lengths": [20],
    "training": {"epochs": 1, "train_size": 32, "validation_size": 16, "test_size": 16},
    "repeats": CHECKPOINTS,
}


async def _asked(url: str, checkpoints: list[str]) -> Answers:
    """An open loop: a request is due when its time comes, be the ones before it answered or not."""
    answers, chance = Answers(), random.Random(0)
    body = {"inputs": [[chance.uniform(-1, 1) for _ in range(20)]]}
    due: asyncio.Queue[float | None] = asyncio.Queue()

    async def ask() -> None:
        connection = await Connection.opened(url)
        while (at := await due.get()) is not None:
            status = await connection.post(f"/checkpoints/{chance.choice(checkpoints)}/predictions", body)
            answers.note("prediction", time.perf_counter() - at, status)
        connection.close()

    clients = [asyncio.create_task(ask()) for _ in range(CONNECTIONS)]
    start = time.perf_counter()
    for index in range(int(RATE * SECONDS)):
        at = start + index / RATE
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        due.put_nowait(at)
    for _ in clients:
        due.put_nowait(None)
    await asyncio.gather(*clients)
    answers.waits["all"] = [time.perf_counter() - start]
    return answers


def main() -> str:
    small = {"MEMSPAN_MODEL_CACHE_BYTES": str(CACHE_BYTES)}
    with (
        mock.patch.dict(os.environ, small),
        database_url("sqlite") as url,
        service(url, "serve", "--workers", "2") as (client, pid),
    ):
        key = client.post("/experiments", json=TRAINED).raise_for_status().json()["id"]
        _finished(client, key)
        runs = client.get(f"/experiments/{key}/runs?limit=500").json()["items"]
        shown = [client.get(f"/runs/{run['id']}").json() for run in runs]
        answers = asyncio.run(_asked(str(client.base_url), [each["checkpoints"][0]["id"] for each in shown]))
        memory = megabytes(pid)
    rate = len(answers.waits["prediction"]) / answers.waits["all"][0]
    figures = [
        Figure("answered", f"{rate:.0f} a second of {RATE} asked", f"{RATE} a second"),
        answers.figure("POST /checkpoints/{id}/predictions", ("prediction",), "waits from when it was due"),
        answers.wrong(),
        Figure("memory of the API process", f"{memory:.0f} MB", "<= 600 MB"),
    ]
    title = f"Predictions of {CHECKPOINTS} checkpoints, LSTM(64), {CACHE_BYTES // 2**20} MiB of memory for models"
    return table(title, figures)


if __name__ == "__main__":
    print(main())
