"""Connections: who may hold how many, and how long a request may take to arrive.

A client that opens connections and says nothing, or a letter a minute, would hold them for ever, and a process has only
so many. So each has a time for its head and a pace for its body, and where connections run out, those go first that
have waited longest without a whole request.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

import h11
import structlog
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.errors import Busy, Problem, RequestTimeout
from service.middleware.problem_response import path_of
from service.middleware.request_id import HEADER, request_id_of

UNKNOWN_PATH = "/"
"""of a request of which not even the first line came"""

log = structlog.stdlib.get_logger("memspan.connections")


@dataclass(frozen=True)
class Allowance:
    """What connections may take.

    Attributes:
        most: connections of this process.
        most_per_client: of them from one address.
        head_seconds: until the head of a request is there.
        body_seconds: until its body is there, unless it comes at ``body_rate`` bytes a second on average.
    """

    most: int
    most_per_client: int
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    body_rate: float = 1_000.0

    def within(self, descriptors: int, reserved: int) -> Allowance:
        """The same with so many descriptors; no client takes the last eighth from the others."""
        most = max(min(self.most, descriptors - reserved), 1)
        each = max(min(self.most_per_client, most - most // 8), 1)
        return Allowance(most, each, self.head_seconds, self.body_seconds, self.body_rate)


class Connections:
    """The open connections of a process, by their clients; those that wait for a request in the order of their wait."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.open: dict[str, set[BoundedProtocol]] = defaultdict(set)
        self._waiting: dict[BoundedProtocol, None] = {}
        self.count = 0

    def enter(self, connection: BoundedProtocol) -> bool:
        """Take a connection in, in the place of one that only waits where there is no other; whether there is room."""
        mine = self.open[connection.address]
        if len(mine) >= self.allowance.most_per_client:
            self._end_oldest(mine)
        elif self.count >= self.allowance.most:
            self._end_oldest(self._waiting.keys())
        if len(mine) >= self.allowance.most_per_client or self.count >= self.allowance.most:
            return False
        self.open[connection.address].add(connection)
        self.count += 1
        return True

    def leave(self, connection: BoundedProtocol) -> None:
        """Forget a connection."""
        self._waiting.pop(connection, None)
        mine = self.open.get(connection.address, set())
        if connection in mine:
            mine.discard(connection)
            self.count -= 1
        if not mine:
            self.open.pop(connection.address, None)

    def wait(self, connection: BoundedProtocol) -> None:
        """Note that a connection has no whole request."""
        self._waiting.setdefault(connection)

    def ask(self, connection: BoundedProtocol) -> None:
        """Note that a connection has a request that is being answered."""
        self._waiting.pop(connection, None)

    def _end_oldest(self, among: Any) -> None:
        oldest = next((each for each in self._waiting if each in among), None)
        if oldest is not None:
            self.leave(oldest)
            oldest.transport.abort()


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 whose requests must arrive in time, on as many connections as there may be."""

    book: Connections
    """set by the class that ``bounded`` makes"""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = ""
        self._timer: asyncio.TimerHandle | None = None
        self._heard = False
        self._body_bytes = 0
        self._body_began: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        if self.book.enter(self):
            self._await_head()
        else:
            self._tell(Busy("No more connections are taken now. Ask again soon."))

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self.book.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        self._body_bytes += len(data)
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        self._stop_timer()
        self._heard = False
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        """See what the connection waits for now: a head, a body, or an answer."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.book.wait(self)
            if self._heard and self._timer is None:  # until then the time is that of kept connections
                self._await_head()
        elif not self.cycle.more_body:
            self._stop_timer()
            self.book.ask(self)
        elif self._body_began is None:
            self._await_body()

    def _await_head(self) -> None:
        self.book.wait(self)
        self._timer = self.loop.call_later(self.book.allowance.head_seconds, self._head_is_late)

    def _await_body(self) -> None:
        self._stop_timer()
        self.book.wait(self)
        self._body_bytes, self._body_began = 0, self.loop.time()
        self._timer = self.loop.call_later(self.book.allowance.body_seconds, self._look_at_body)

    def _stop_timer(self) -> None:
        self._body_began = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_is_late(self) -> None:
        self._timer = None
        seconds = self.book.allowance.head_seconds
        if self._heard:
            self._tell_late(f"The head of a request must be there within {seconds:g} s.")
        else:
            self.transport.close()

    def _look_at_body(self) -> None:
        """End a body that comes too slowly; what the service itself doesn't read yet is no fault of the client."""
        allowance, self._timer = self.book.allowance, None
        if self._body_began is None or self.transport.is_closing():
            return
        seconds = self.loop.time() - self._body_began
        if self.flow.read_paused:
            self._body_bytes, self._body_began = 0, self.loop.time()
        if self.flow.read_paused or self._body_bytes >= allowance.body_rate * seconds:
            self._timer = self.loop.call_later(allowance.body_seconds / 6, self._look_at_body)
            return
        self._tell_late(
            f"The body must be there within {allowance.body_seconds:g} s, or come at {allowance.body_rate:g} bytes a "
            f"second; {self._body_bytes} bytes came in {seconds:.0f} s."
        )

    def _tell_late(self, detail: str) -> None:
        self._tell(RequestTimeout(detail))

    def _tell(self, problem: Problem) -> None:
        """Answer, if nothing was answered yet, and close; here no middleware names the request or logs it."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self.transport.is_closing():
            scope = cast(Scope, self.scope) if self.cycle is not None and not self.cycle.response_complete else None
            request_id = request_id_of(scope) if scope else uuid4().hex
            path = path_of(scope) if scope else UNKNOWN_PATH
            body = json.dumps(problem.document(path, request_id)).encode()
            headers = {"Content-Type": "application/problem+json", "Connection": "close", HEADER: request_id}
            headers |= {"Content-Length": str(len(body)), **problem.headers}
            status = HTTPStatus(problem.status)
            for event in (
                h11.Response(status_code=status, headers=list(headers.items()), reason=status.phrase.encode()),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
            log.info("connection_ended", status=problem.status, path=path, address=self.address, request_id=request_id)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()


def bounded(book: Connections) -> type[H11Protocol]:
    """The protocol of the connections of a book; uvicorn takes a class."""
    return type("Protocol", (BoundedProtocol,), {"book": book})
