"""Last resort: an error in a layer is answered like one in a route."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.middleware.handlers import answer_error


class LastResort:
    """Answers what no handler further in has answered, the middlewares' own errors included.

    Standing inside ``RequestId`` and ``AccessLog``, it lets such an answer carry an id and be logged with its true
    status. The framework's own last resort stands outside them all and raises again. An error after the answer has
    begun goes on, so that the server cuts the line: half an answer must not look whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, whatever happens."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            response = await answer_error(Request(scope, receive), error)
            if started:
                raise
            await response(scope, receive, send)
