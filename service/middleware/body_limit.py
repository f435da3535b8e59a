"""Body limit: no request brings more bytes than the cap."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import TooLarge
from service.middleware.problem_response import problem_response


class BodyLimit:
    """Answers 413 for a body above ``max_bytes``: at once if its length is announced, else as soon as it is passed.

    Starlette has such a middleware, whose answer names neither the cap nor what was given.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what is small enough."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = _announced_bytes(scope)
        if announced is not None and announced > self.max_bytes:
            problem = _too_large(f"{announced} bytes", self.max_bytes)
            await problem_response(problem, scope)(scope, receive, send)
            return
        await _Counted(self.app, self.max_bytes)(scope, receive, send)


class _Counted:
    """One request whose body is counted as it comes in.

    Whatever the application makes of the error that ends its reading (a framework may turn it into a 400), the
    client gets the 413, unless an answer was already under way: then the error goes on and the server cuts the line.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.received_bytes = 0
        self.started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = _too_large("more than that", self.max_bytes)

        async def receive_counted() -> Message:
            message = await receive()
            self.received_bytes += len(message.get("body", b""))
            if self._exceeded:
                raise problem
            return message

        async def send_unless_exceeded(message: Message) -> None:
            if self.started or not self._exceeded:
                self.started = True
                await send(message)

        try:
            await self.app(scope, receive_counted, send_unless_exceeded)
        except Exception:
            if self.started or not self._exceeded:
                raise
        if self._exceeded and not self.started:
            await problem_response(problem, scope)(scope, receive, send)

    @property
    def _exceeded(self) -> bool:
        return self.received_bytes > self.max_bytes


def _too_large(given: str, max_bytes: int) -> TooLarge:
    return TooLarge(f"The body may have at most {max_bytes} bytes (MEMSPAN_MAX_BODY_BYTES); sent: {given}.")


def _announced_bytes(scope: Scope) -> int | None:
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None
