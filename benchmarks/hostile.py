"""What one request, or many at once, may cost the service: hostile bodies, figures, predictions, connections."""

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.raw_requests import Address, Answer, Watch, all_at_once, ask
from benchmarks.report import Figure, quantile, table
from benchmarks.stage import has_ended, processor_seconds, service
from tests.hostile import LARGEST, SPECS, raw

BUSY = 100
PLAN = "/experiments?dry_run=true"
TINY = {
    "tasks": [{"kind": "regression"}],
    "models": [{"kind": "mlp", "hidden_size": 2}],
    "training": {"epochs": 1, "train_size": 16, "validation_size": 16, "test_size": 16},
    "repeats": 2,
}


def main() -> str:
    """Attack a service of its own on loopback, bounded."""
    return table("Hostile requests", [*_bodies(), *_stopped(), *_figures()])


def _url(folder: str) -> str:
    return f"sqlite:///{folder}/memspan.db"


def _bodies() -> list[Figure]:
    """Bodies that are dear to refuse: processor time of each, and health while a hundred are asked."""
    found = []
    with tempfile.TemporaryDirectory() as folder, service(_url(folder), "api") as (client, pid):
        address = Address.of(str(client.base_url))
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
            watch = Watch(address, "/health/live")
            answers = asyncio.run(watch.until(all_at_once(address, request, BUSY)))
            found.append(
                _waits(f"/health/live, p99, while {BUSY} of them are asked ({_statuses(answers)})", watch, 100)
            )
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
            with client.stream("GET", f"/experiments/{key}/events") as events:
                for _ in events.iter_lines():
                    pass

        async def draw() -> Sequence[Answer]:
            paths = [f"/results/{key}/figures/{name}.pdf" for key in keys for name in ("score", "success", "learning")]
            return await asyncio.gather(*(ask(address, address.request("GET", path)) for path in paths))

        watch = Watch(address, "/health/ready")
        answers = asyncio.run(watch.until(draw()))
        return [_waits(f"/health/ready, p99, while 60 PDFs are drawn ({_statuses(answers)})", watch, 250)]


def _waits(what: str, watch: Watch, most: float) -> Figure:
    failed = f", {watch.failures} failed" if watch.failures else ""
    measured = f"{quantile(watch.waits, 0.99) * 1000:.0f} ms (n = {len(watch.waits)}{failed})"
    return Figure(what, measured, f"<= {most:g} ms")


def _statuses(answers: Sequence[Answer]) -> str:
    return ", ".join(
        f"{count} x {status}" for status, count in sorted(Counter(each.status for each in answers).items())
    )
