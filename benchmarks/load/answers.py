"""Answers: how long each kind of request took, and which were not as they should be."""

import time
from collections import Counter, defaultdict
from typing import Any

import httpx

from benchmarks.report import Figure, quantile


class Answers:
    """Collects answers of one service by the kind of their request; of one event loop only."""

    def __init__(self) -> None:
        self.waits: dict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()

    async def ask(self, kind: str, client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request and wait for the whole answer; a 5xx or a lost connection is noted.

        Raises:
            httpx.TransportError: the connection was lost.
        """
        begun = time.perf_counter()
        try:
            answer = await client.request(method, path, **more)
        except httpx.TransportError as error:
            self.errors[f"{method} {kind}: {type(error).__name__}"] += 1
            raise
        self.note(kind, time.perf_counter() - begun, answer.status_code)
        return answer

    def note(self, kind: str, seconds: float, status: int) -> None:
        """Keep how long an answer took, and whether it was an error."""
        self.waits[kind].append(seconds)
        if status >= 400:
            self.errors[f"{kind}: {status}"] += 1

    def figure(self, what: str, kinds: tuple[str, ...], goal: str) -> Figure:
        """Median, p99 and maximum of some kinds together, in milliseconds."""
        waits = [wait for kind in kinds for wait in self.waits[kind]]
        if not waits:
            return Figure(what, "none was answered", goal)
        told = [1000 * quantile(waits, share) for share in (0.5, 0.99, 1.0)]
        return Figure(what, f"p50 {told[0]:.0f}, p99 {told[1]:.0f}, longest {told[2]:.0f} ms (n = {len(waits)})", goal)

    def wrong(self, goal: str = "none") -> Figure:
        """What was answered by 4xx, 5xx or not at all."""
        told = ", ".join(f"{count} x {name}" for name, count in self.errors.most_common()) or "none"
        return Figure("errors", told, goal)
