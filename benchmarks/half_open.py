"""Connections that say nothing, or leave: a thousand half-open requests, and seven hundred listeners that go away."""

import asyncio
import contextlib
import json
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.raw_requests import Address, Answer, Watch, ask
from benchmarks.report import Figure
from examples.process import MemspanProcess, started

HALF_OPEN, LISTENERS = 1_000, 700
DESCRIPTORS = 1_024
HEAD_SECONDS = 11.0
FIRST_HEALTH = 30
SPEC = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": size} for size in range(1, 41)],
    "lengths": [2, 5, 10],
    "training": {"epochs": 1, "train_size": 64, "validation_size": 16, "test_size": 16},
    "repeats": 20,
}


def figures() -> list[Figure]:
    """What both kinds of connections do to a service of its own."""
    return [*_half_open(DESCRIPTORS), *_leaving()]


def _half_open(descriptors: int) -> list[Figure]:
    """Health while others hold connections without a whole request, with so many descriptors."""
    with tempfile.TemporaryDirectory() as home:
        process = MemspanProcess(Path(home), "api", "--port", "0")
        with started(process):
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
            address = Address.of(process.address())
            waits, left = asyncio.run(_held(address, process.pid))
    what = f"with {HALF_OPEN} half-open requests and {descriptors} descriptors"
    return [
        Figure(f"/health/ready {what}, slowest", f"{max(waits) * 1000:.0f} ms (n = {len(waits)})", "answered"),
        Figure(f"descriptors that half heads still hold after {HEAD_SECONDS:g} s", str(left), "0 (half bodies: 60 s)"),
    ]


async def _held(address: Address, pid: int) -> tuple[list[float], int]:
    """How long health took meanwhile, and how many more descriptors than before are open after the time of a head."""
    before = _descriptors(pid)
    halves = [b"GET /health/live HTTP/1.1\r\nHos"] * HALF_OPEN
    writers = await asyncio.gather(*(_open(address, half) for half in halves))
    request = address.request("GET", "/health/ready")
    answers = [await ask(address, request, 60) for _ in range(FIRST_HEALTH)]
    if any(answer.status != 200 for answer in answers):
        raise RuntimeError(f"health answered {[answer.status for answer in answers]}")
    await asyncio.sleep(HEAD_SECONDS)
    left = _descriptors(pid) - before
    for writer in writers:
        writer.close()
    return [answer.seconds for answer in answers], max(left, 0)


def _descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


async def _open(address: Address, data: bytes) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(data)
    return writer


def _leaving() -> list[Figure]:
    """Errors that are logged when listeners leave a stream at any moment."""
    with tempfile.TemporaryDirectory() as home:
        process = MemspanProcess(Path(home), "serve", "--workers", "1", "--port", "0")
        with started(process):
            address = Address.of(process.address())
            asyncio.run(_left(address))
        lines = [json.loads(line) for line in process.said().splitlines() if line.startswith("{")]
    errors = sum(line.get("level") == "error" for line in lines)
    return [Figure(f"errors logged when {LISTENERS} listeners leave a stream at any moment", str(errors), "0")]


async def _left(address: Address) -> Sequence[Answer]:
    """Health while listeners come and go."""
    body = json.dumps(SPEC).encode()
    await ask(address, address.request("POST", "/experiments", body, "Content-Type: application/json"))

    async def listen(number: int) -> Answer:
        with contextlib.suppress(OSError):
            writer = await _open(address, address.request("GET", "/experiments/exp-1/events"))
            await asyncio.sleep(number % 40 / 10)
            (writer.transport.abort if number % 2 else writer.close)()
        return Answer(200, 0.0)

    return await Watch(address, "/health/live").until(asyncio.gather(*(listen(number) for number in range(LISTENERS))))
