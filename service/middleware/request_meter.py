"""Request meter: how many requests each route answered, how, and in how many seconds."""

import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.meters import Meters

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"
OTHER = "other"


class RequestMeter:
    """Counts requests by the route's template: a path, or a method of a client's own, would make series without end.

    Stands outside all other middleware, so that it sees every status. A stream of events lasts as long as its listener
    likes, so its seconds end when it begins.
    """

    def __init__(self, app: ASGIApp, meters: Meters, clock: Callable[[], float] = time.perf_counter) -> None:
        self.app = app
        self.meters = meters
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve and count."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, streams, status = self.clock(), False, 500  # of an application that dies before it answers

        async def send_and_note(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
                if streams:
                    self._count(scope, status, self.clock() - began)
            await send(message)

        with self.meters.in_progress.track_inprogress():
            try:
                await self.app(scope, receive, send_and_note)
            finally:
                if not streams:
                    self._count(scope, status, self.clock() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        self.meters.requests.labels(method, route, status).inc()
        self.meters.request_seconds.labels(method, route).observe(seconds)
