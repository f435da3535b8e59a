"""Security headers: what a browser may do with an answer."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Of pages. Vega needs no inline style when vega-embed is told ``defaultStyle: false`` and its tooltip
``disableDefaultStyle: true``; those two would otherwise inject a style element."""

DRAWING_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""Of an SVG opened as a page of its own, which could run scripts; a drawing has none."""

POLICIES: Mapping[str, str] = {"text/html": PAGE_POLICY, "image/svg+xml": DRAWING_POLICY}

ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: under it browsers send "Origin: null" with our own forms, and those would be refused.
    "Referrer-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds a strict Content-Security-Policy to pages and drawings, and sniffing and referrer rules to everything.

    A header that a route set itself stays.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _add(headers: MutableHeaders) -> None:
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in POLICIES:
        headers.setdefault("Content-Security-Policy", POLICIES[kind])
