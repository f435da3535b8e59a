"""HEAD: what GET would answer, without the body (RFC 9110, 9.3.2). FastAPI's routes know GET alone."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SENDING_MAY_FAIL = {"version": "3.0", "spec_version": "2.4"}
"""The ASGI version since which a ``send`` raises OSError once nobody listens."""


class Head:
    """Answers HEAD by asking the application for GET and dropping the body.

    Once the headers are out, a streaming application is told, as ASGI does it, that nobody listens: an endless stream
    ends there, and what it holds open is closed as after any other client that left.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, HEAD as GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        answered = False

        async def send_head(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                await send(message)
                await send({"type": "http.response.body", "body": b""})
            elif message.get("more_body", False):
                raise OSError("A HEAD request has its answer.")

        asked = {**scope, "method": "GET", "asgi": SENDING_MAY_FAIL}
        try:
            await self.app(asked, receive, send_head)
        except (ClientDisconnect, OSError):
            if not answered:
                raise
        finally:
            scope["route"] = asked.get("route")  # layers further out count by it
