"""Access: who asks, settled before a byte of a body is read. A key where there are keys, else the client's network."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from service.errors import Problem, Unauthorized
from service.middleware.accept import prefers_html
from service.middleware.credentials import KeyNeeded, Shown, shown
from service.middleware.host import SAFE_METHODS
from service.middleware.keyring import Keyring, Ring
from service.middleware.problem_response import path_of, problem_response
from service.middleware.rate_limits import RateLimits, headers
from service.middleware.request_id import request_id_of
from service.middleware.scopes import UNLOCKED
from service.middleware.trust import OPEN_PATHS, trusts, unknown_network
from service.middleware.visitor import VISITOR
from service.operations.caller import Caller
from service.settings import Network
from service.storage.keys import KeyRecord

SUBMISSION = re.compile(
    r"/experiments|/checkpoints|/datasets|/studies/[^/]+/experiments|/(experiments|checkpoints)/[^/]+/probes"
)


class Access:
    """Answers 401 to whoever isn't known, and leads his browser to /login.

    The caller stands in ``scope["state"]["caller"]``, the digest of his key or session in
    ``scope["state"]["key_sha256"]``: None where there is no key. Then clients of trusted networks are served, by the
    connection's own address: ``X-Forwarded-For`` is never read, anybody can write it.
    """

    def __init__(self, app: ASGIApp, keyring: Keyring, networks: Sequence[Network], limits: RateLimits) -> None:
        self.app = app
        self.keyring, self.limits = keyring, limits
        self.networks = tuple(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve those who are let in."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        before = VISITOR.set(None)
        try:
            await self._serve(scope, receive, send)
        finally:
            VISITOR.reset(before)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            limited = await self._identify(scope)
        except KeyNeeded as problem:
            page = scope["method"] in SAFE_METHODS and prefers_html(scope)
            await (_login(scope) if page else problem_response(problem, scope))(scope, receive, send)
        except Problem as problem:
            await problem_response(problem, scope)(scope, receive, send)
        else:
            await self.app(scope, receive, _with(limited, send) if limited else send)

    async def _identify(self, scope: Scope) -> Mapping[str, str]:
        """Note who asks, or raise; the headers that tell how often he may go on asking."""
        ring = await self.keyring.ring()
        state = scope.setdefault("state", {})
        if not ring.locked:
            if not trusts(self.networks, scope.get("client")):
                raise unknown_network(scope["client"][0])
            state["caller"], state["key_sha256"] = asker(scope, None), None
            return {}
        if scope["path"] in UNLOCKED:
            return {}
        found = await self._shown(ring, scope)
        bind_contextvars(key=found.row.name)  # its name, in all lines that are written meanwhile
        VISITOR.set(found.visitor)
        state["caller"], state["key_sha256"] = asker(scope, found.row), found.sha256
        self.keyring.note_use(found.row)
        return headers(await self.limits.take(found.row.name, _submits(scope)))

    async def _shown(self, ring: Ring, scope: Scope) -> Shown:
        """The key that the request shows; failures are counted, for a browser that has to log in is none."""
        try:
            return shown(ring, scope, self.keyring.time())
        except Unauthorized as problem:
            if not (isinstance(problem, KeyNeeded) and prefers_html(scope)):
                await self.limits.fail(address_of(scope))
            raise


def asker(scope: Scope, row: KeyRecord | None) -> Caller:
    """Who asks: the bearer of a key, or whoever is let in without."""
    told = {"method": scope["method"], "path": path_of(scope), "request_id": request_id_of(scope)}
    if row is None:
        return Caller(address=address_of(scope), **told)
    return Caller(row.name, row.scope, row.quota, address_of(scope), **told)


def address_of(scope: Scope) -> str | None:
    """Where a connection comes from; None for a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else None


def _login(scope: Scope) -> RedirectResponse:
    """The way to the form, and from there back here."""
    query = scope["query_string"].decode("latin-1")
    target = quote(path_of(scope) + (f"?{query}" if query else ""), safe="")
    return RedirectResponse(
        f"/login?next={target}", 303, headers={"Cache-Control": "no-store", "Vary": "Accept, Cookie"}
    )


def _submits(scope: Scope) -> bool:
    return scope["method"] == "POST" and SUBMISSION.fullmatch(scope["path"]) is not None


def _with(limited: Mapping[str, str], send: Send) -> Send:
    """A ``send`` that adds headers to the answer, unless it has its own."""

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            found = MutableHeaders(scope=message)
            for name, value in limited.items():
                found.setdefault(name, value)
        await send(message)

    return send_with
