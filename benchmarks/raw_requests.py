"""Raw requests: many at once over plain sockets, and how long health takes meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Address:
    """Where a service listens."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Address":
        """The address of a base URL."""
        parts = urlsplit(url)
        return cls(str(parts.hostname), int(parts.port or 80))

    def request(self, method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
        """A whole request; the server closes behind its answer."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Answer:
    """What came back: 0 where nothing did."""

    status: int
    seconds: float
    size: int = 0


async def ask(address: Address, request: bytes, seconds: float = 300.0) -> Answer:
    """Send a request and read its answer to the end."""
    began = time.perf_counter()
    status, size = 0, 0
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            try:
                writer.write(request)
                await writer.drain()
                line = await reader.readline()
                status = int(line.split()[1]) if line else 0
                while data := await reader.read(1 << 20):
                    size += len(data)
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        pass
    return Answer(status, time.perf_counter() - began, size)


@dataclass
class Watch:
    """How long a path takes, asked again and again while something else goes on."""

    address: Address
    path: str
    waits: list[float] = field(default_factory=list)
    failures: int = 0

    async def until(self, work: Awaitable[Sequence[Answer]]) -> Sequence[Answer]:
        """What the work returns; the path is asked until then."""
        task = asyncio.ensure_future(work)
        while not task.done():
            answer = await ask(self.address, self.address.request("GET", self.path), 60)
            self.waits.append(answer.seconds)
            self.failures += answer.status != 200
            await asyncio.sleep(PAUSE_SECONDS)
        return await task


async def all_at_once(address: Address, request: bytes, count: int) -> Sequence[Answer]:
    """The answers to many equal requests."""
    return await asyncio.gather(*(ask(address, request) for _ in range(count)))
