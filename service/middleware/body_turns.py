"""Body turns: of large bodies only so many bytes are in memory at once; the others wait unread.

A body is some bytes on the line and several times that once it is read, so it is the reading that must wait. What waits
lies with the client: TCP holds it back.
"""

from collections import deque

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Busy, Problem
from service.middleware.problem_response import problem_response

SMALL_BYTES = 64 * 1024
"""bodies that need no turn"""
PATIENT_SECONDS = 60.0
"""so long a body waits for its turn, and so long it may then take to arrive while others wait"""
LOOK_SECONDS = 1.0


class BodyTurns:
    """Lets large bodies in, first come first served, as long as all together have at most ``most_bytes``.

    A turn ends when the answer begins: then the body has been read. ``BodyLimit`` must stand outside.

    Args:
        largest: bytes that a body has at most; counted where a client doesn't say how many it has.
        waiting: how many may wait for a turn.
    """

    def __init__(self, app: ASGIApp, most_bytes: int, largest: int, waiting: int) -> None:
        self.app = app
        self.most_bytes, self.largest, self.most_waiting = max(most_bytes, largest), largest, waiting
        self.used_bytes = 0
        self._waiting: deque[tuple[int, anyio.Event]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, a large body when it is its turn."""
        size = self._size(scope) if scope["type"] == "http" else 0
        if size <= SMALL_BYTES:
            await self.app(scope, receive, send)
            return
        try:
            await self._enter(size)
        except Problem as problem:
            await problem_response(problem, scope)(scope, receive, send)
            return
        turn = _Turn(self, size, receive, send)
        try:
            await self.app(scope, turn.receive, turn.send)
        finally:
            turn.end()

    def _size(self, scope: Scope) -> int:
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers:
            return self.largest
        text = headers.get("content-length", "0")
        return min(int(text), self.largest) if text.isascii() and text.isdigit() and len(text) <= 20 else self.largest

    @property
    def contended(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    async def _enter(self, size: int) -> None:
        if not self._waiting and self.used_bytes + size <= self.most_bytes:
            self.used_bytes += size
            return
        if len(self._waiting) >= self.most_waiting:
            raise Busy(f"{len(self._waiting)} large bodies wait to be read already, and no more may. Ask again soon.")
        place = (size, anyio.Event())
        self._waiting.append(place)
        try:
            with anyio.move_on_after(PATIENT_SECONDS):
                await place[1].wait()
        finally:
            if not place[1].is_set():
                self._waiting.remove(place)
        if not place[1].is_set():
            raise Busy(f"The body waited {PATIENT_SECONDS:g} s for its turn to be read. Ask again later.")

    def leave(self, size: int) -> None:
        """Give bytes back, and let in who has waited longest."""
        self.used_bytes -= size
        while self._waiting and self.used_bytes + self._waiting[0][0] <= self.most_bytes:
            following, event = self._waiting.popleft()
            self.used_bytes += following
            event.set()


class _Turn:
    """The turn of one body."""

    def __init__(self, turns: BodyTurns, size: int, receive: Receive, send: Send) -> None:
        self._turns, self._size, self._receive, self._send = turns, size, receive, send
        self._whole = self._ended = False
        self._last = anyio.current_time() + PATIENT_SECONDS

    async def receive(self) -> Message:
        """The next part; who sends too slowly while others wait loses the turn."""
        while not self._whole:
            with anyio.move_on_after(LOOK_SECONDS):
                message = await self._receive()
                self._whole = message["type"] != "http.request" or not message.get("more_body", False)
                return message
            if self._turns.contended and anyio.current_time() > self._last:
                raise Busy("The body came too slowly while others waited for their turn. Ask again later.")
        return await self._receive()

    async def send(self, message: Message) -> None:
        """Pass on; the body has been read when the answer begins."""
        self.end()
        await self._send(message)

    def end(self) -> None:
        """End the turn, once."""
        if not self._ended:
            self._ended = True
            self._turns.leave(self._size)
