"""A client that costs next to nothing: it shares the machine with the service that it measures.

httpx takes as long for a request as the service does; with it, a benchmark would measure the client.
"""

import asyncio
import json
from typing import Any, Self
from urllib.parse import urlsplit


class Connection:
    """One connection that is kept alive, for one request after another."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host, self._reader, self._writer = host, reader, writer

    @classmethod
    async def opened(cls, url: str) -> Self:
        """A connection to the service at ``url``."""
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        return cls(place.netloc, reader, writer)

    async def post(self, path: str, body: Any) -> int:
        """Send JSON and read the whole answer; its status."""
        data = json.dumps(body).encode()
        lines = [f"POST {path} HTTP/1.1", f"Host: {self._host}", "Content-Type: application/json"]
        self._send([*lines, f"Content-Length: {len(data)}"], data)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        await self._reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        return int(head.split()[1])

    async def listen(self, path: str, until: bytes) -> str:
        """Ask for a stream of events, and read as far as ``until``."""
        self._send([f"GET {path} HTTP/1.1", f"Host: {self._host}", "Accept: text/event-stream", "Connection: close"])
        return (await self._reader.readuntil(until)).decode()

    async def rest(self) -> str:
        """What is still sent until the service closes the connection."""
        return (await self._reader.read(-1)).decode()

    def close(self) -> None:
        self._writer.close()

    def _send(self, lines: list[str], data: bytes = b"") -> None:
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + data)
