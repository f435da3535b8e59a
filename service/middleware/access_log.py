"""Access log: one line for each request."""

import time
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.middleware.problem_response import path_of
from service.middleware.request_id import request_id_of
from service.middleware.trust import OPEN_PATHS

ABOUT = "about"
"""where ``scope["state"]`` says what a request is about, beside what is bound to its lines"""

log = structlog.stdlib.get_logger("memspan.access")


class AccessLog:
    """Writes method, path, status, milliseconds and request id once a request is answered; health at debug level.

    The query stays out: it may hold what a user typed.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.perf_counter) -> None:
        self.app = app
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve and log."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = self.clock()
        status = 500  # of an application that dies before it answers

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            _write(scope, status, 1000 * (self.clock() - began))


def _write(scope: Scope, status: int, milliseconds: float) -> None:
    write = log.debug if scope["path"] in OPEN_PATHS else log.info
    write(
        "request",
        method=scope["method"],
        path=path_of(scope),
        status=status,
        ms=round(milliseconds, 1),
        **{"request_id": request_id_of(scope), **scope["state"].get(ABOUT, {})},
    )
