"""Request ids: one name for a request in its answer, in problems and in the log."""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

HEADER = "X-Request-Id"
SANE = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}", re.ASCII)


class RequestId:
    """Gives every request an id: the client's own ``X-Request-Id`` if it is a plain token, else a new one.

    It stands in ``scope["state"]["request_id"]`` (``request.state.request_id``), in every log line written meanwhile
    and on the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve with an id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _given(scope) or uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_with_id)


def request_id_of(scope: Scope) -> str:
    """The request's id; one of its own for a request that failed before it got any."""
    state = scope.setdefault("state", {})
    return str(state.setdefault("request_id", uuid4().hex))


def _given(scope: Scope) -> str | None:
    given = Headers(scope=scope).get(HEADER, "")
    return given if SANE.fullmatch(given) else None
