"""What one request, or many at once, may cost the service: hostile bodies, figures, predictions, connections."""

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx

from benchmarks import half_open
from benchmarks.loop_watch import WatchedProcess, longest, watched_service
from benchmarks.raw_requests import Address, Answer, Watch, all_at_once, ask
from benchmarks.report import Figure, quantile, table
from benchmarks.stage import has_ended, megabytes, peak_megabytes, processor_seconds, service
from tests.hostile import LARGEST, SPECS, raw

BUSY = 100
PLAN = "/experiments?dry_run=true"
TINY = {
    "tasks": [{"kind": "regression"}],
    "models": [{"kind": "mlp", "hidden_size": 2}],
    "training": {"epochs": 1, "train_size": 16, "validation_size": 16, "test_size": 16},
    "repeats": 2,
}


LATCH = TINY | {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2],
    "repeats": 1,
}


def main() -> str:
    """Attack a service of its own on loopback, bounded."""
    return table("Hostile requests", [*_bodies(), *_stopped(), *_figures(), *_predictions(), *half_open.figures()])


def _url(folder: str) -> str:
    return f"sqlite:///{folder}/memspan.db"


def _bodies() -> list[Figure]:
    """Bodies that are dear to refuse: processor time of each, and health while a hundred are asked."""
    found = []
    with tempfile.TemporaryDirectory() as folder, watched_service(_url(folder), "api") as (client, process):
        address, pid = Address.of(str(client.base_url)), process.pid
        client.post(PLAN, content=SPECS["a grid of millions"])
        for title, most in (
            ("a grid of millions", 50),
            ("a search over a grid of millions", 50),
            ("49 000 empty tasks", 200),
        ):
            request = address.request("POST", PLAN, SPECS[title])
            before = processor_seconds(pid)
            answers = asyncio.run(all_at_once(address, request, 10))
            milliseconds = (processor_seconds(pid) - before) / 10 * 1000
            found.append(
                Figure(
                    f"{title}, refused ({_statuses(answers)}): processor time of each",
                    f"{milliseconds:.0f} ms",
                    f"<= {most} ms",
                )
            )
            watch, began = Watch(address, "/health/live"), time.monotonic()
            answers = asyncio.run(watch.until(all_at_once(address, request, BUSY)))
            found.append(
                _waits(f"/health/live, p99, while {BUSY} of them are asked ({_statuses(answers)})", watch, 100)
            )
            found.append(_turns(process, began))
    return found


def _stopped() -> list[Figure]:
    """How long SIGTERM takes while hostile requests wait."""
    with tempfile.TemporaryDirectory() as folder, service(_url(folder), "api") as (client, pid):
        address = Address.of(str(client.base_url))
        request = address.request("POST", PLAN, raw(**LARGEST))

        async def stop() -> float:
            asked = asyncio.ensure_future(all_at_once(address, request, BUSY))
            await asyncio.sleep(2)
            began = time.perf_counter()
            os.kill(pid, signal.SIGTERM)
            while not has_ended(pid):
                await asyncio.sleep(0.05)
            seconds = time.perf_counter() - began
            await asked
            return seconds

        return [
            Figure(
                f"SIGTERM to the end, {BUSY} plans of 98 304 conditions under way",
                f"{asyncio.run(stop()):.1f} s",
                "<= 10 s",
            )
        ]


def _figures() -> list[Figure]:
    """Health while sixty figures are drawn."""
    with tempfile.TemporaryDirectory() as folder, service(_url(folder), "serve", "--workers", "1") as (client, _):
        address = Address.of(str(client.base_url))
        keys = [
            client.post("/experiments", json=TINY | {"seed": seed}).raise_for_status().json()["id"]
            for seed in range(20)
        ]
        for key in keys:
            _follow(client, key)

        async def draw() -> Sequence[Answer]:
            paths = [f"/results/{key}/figures/{name}.pdf" for key in keys for name in ("score", "success", "learning")]
            return await asyncio.gather(*(ask(address, address.request("GET", path)) for path in paths))

        watch = Watch(address, "/health/ready")
        answers = asyncio.run(watch.until(draw()))
        return [_waits(f"/health/ready, p99, while 60 PDFs are drawn ({_statuses(answers)})", watch, 250)]


def _predictions() -> list[Figure]:
    """Memory of the API and size of its database, while twenty bodies of 15.6 MB are asked at once, each with a key."""
    command = ("serve", "--workers", "1")
    with tempfile.TemporaryDirectory() as folder, watched_service(_url(folder), *command) as (client, process):
        address, pid = Address.of(str(client.base_url)), process.pid
        key = client.post("/experiments", json=LATCH).raise_for_status().json()["id"]
        _follow(client, key)
        run = client.get(f"/experiments/{key}/runs").json()["items"][0]["id"]
        path = f"/checkpoints/{client.get(f'/runs/{run}').json()['checkpoints'][0]['id']}/predictions"
        found = [Figure("memory of the API before", f"{megabytes(pid):.0f} MB")]
        for title, body in (
            ("long sequences", _inputs(390, 10_000)),
            ("more answers than are given", _inputs(1_550_000, 2)),
            ("many answers", _inputs(455_000, 8)),
        ):
            requests = [address.request("POST", path, body, f"Idempotency-Key: {title[:4]}-{n}") for n in range(20)]
            before = _stored(folder)
            watch, began = Watch(address, "/health/live"), time.monotonic()
            answers = asyncio.run(watch.until(_gather(address, requests)))
            what = f"20 predictions of {len(body) / 1e6:.1f} MB, {title} ({_statuses(answers)})"
            found.append(Figure(f"{what}: most memory of the API", f"{peak_megabytes(pid):.0f} MB", "<= 600 MB"))
            found.append(
                Figure("the same: growth of the database", f"{(_stored(folder) - before) / 1e6:.2f} MB", "0 MB")
            )
            found.append(_waits("the same: /health/live, p99", watch, 100))
            found.append(_turns(process, began))
    return found


async def _gather(address: Address, requests: Sequence[bytes]) -> Sequence[Answer]:
    return await asyncio.gather(*(ask(address, request) for request in requests))


def _inputs(count: int, steps: int) -> bytes:
    row = b"[" + b",".join([b"0.1"] * steps) + b"]"
    return b'{"inputs":[' + b",".join([row] * count) + b"]}"


def _stored(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).iterdir())


def _follow(client: httpx.Client, key: str) -> None:
    """Return when the experiment has ended."""
    with client.stream("GET", f"/experiments/{key}/events") as events:
        for _ in events.iter_lines():
            pass


def _waits(what: str, watch: Watch, most: float) -> Figure:
    failed = f", {watch.failures} failed" if watch.failures else ""
    measured = f"{quantile(watch.waits, 0.99) * 1000:.0f} ms (n = {len(watch.waits)}{failed})"
    return Figure(what, measured, f"<= {most:g} ms")


def _turns(process: WatchedProcess, began: float) -> Figure:
    what = "the same: longest turn of the event loop, in processor time of the service"
    return Figure(what, f"{longest(process.turns_since(began)) * 1000:.0f} ms", "<= 100 ms")


def _statuses(answers: Sequence[Answer]) -> str:
    return ", ".join(
        f"{count} x {status}" for status, count in sorted(Counter(each.status for each in answers).items())
    )
