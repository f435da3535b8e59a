"""Access: who asks, settled before a byte of a body is read. A key where there are keys, else the client's network."""

import re
from collections.abc import Mapping, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from service.errors import Problem, Unauthorized
from service.middleware.keyring import Keyring, Ring
from service.middleware.problem_response import path_of, problem_response
from service.middleware.rate_limits import RateLimits, headers
from service.middleware.request_id import request_id_of
from service.middleware.scopes import UNLOCKED
from service.middleware.trust import OPEN_PATHS, trusts, unknown_network
from service.operations.caller import Caller
from service.operations.times import rfc3339
from service.settings import Network
from service.storage.keys import KeyRecord

SUBMISSION = re.compile(r"/experiments|/studies/[^/]+/experiments|/(experiments|checkpoints)/[^/]+/probes")
HOW = "Send it as 'Authorization: Bearer mspn_...'; whoever runs the service makes one with memspan keys create."


class Access:
    """Answers 401 to whoever isn't known.

    The caller stands in ``scope["state"]["caller"]``, the digest of his key in ``scope["state"]["key_sha256"]``: None
    where there is no key. Then clients of trusted networks are served, by the connection's own address:
    ``X-Forwarded-For`` is never read, anybody can write it.
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
        try:
            limited = await self._identify(scope)
        except Problem as problem:
            await problem_response(problem, scope)(scope, receive, send)
            return
        await self.app(scope, receive, _with(limited, send) if limited else send)

    async def _identify(self, scope: Scope) -> Mapping[str, str]:
        """Note who asks, or raise; the headers that tell how often he may go on asking."""
        ring = await self.keyring.ring()
        state = scope.setdefault("state", {})
        if not ring.locked:
            if not trusts(self.networks, scope.get("client")):
                raise unknown_network(scope["client"][0])
            state["caller"], state["key_sha256"] = _caller(scope, None), None
            return {}
        if scope["path"] in UNLOCKED:
            return {}
        try:
            row = self._key(ring, scope)
        except Unauthorized:
            client = scope.get("client")
            await self.limits.fail(str(client[0]) if client else None)
            raise
        bind_contextvars(key=row.name)  # its name, in all lines that are written meanwhile
        self.keyring.note_use(row)
        state["caller"], state["key_sha256"] = _caller(scope, row), row.sha256
        return headers(await self.limits.take(row.name, _submits(scope)))

    def _key(self, ring: Ring, scope: Scope) -> KeyRecord:
        """The key that a request bears, which works."""
        row = ring.find(_bearer(scope))
        if row is None:
            raise _refused(f"The key is not known here. {HOW}")
        if row.revoked_at is not None:
            raise _refused(f"The key {row.name!r} was revoked at {rfc3339(row.revoked_at)}.")
        if row.expired(ring.now(self.keyring.time())):
            raise _refused(f"The key {row.name!r} expired at {rfc3339(row.expires_at)}.")
        return row


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


def _bearer(scope: Scope) -> str:
    """The one token that a request bears (RFC 6750, 2.1)."""
    given = Headers(scope=scope).getlist("authorization")
    if not given:
        raise Unauthorized(f"A key is needed. {HOW}")
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        raise Unauthorized(f"One Authorization header is read, with the scheme Bearer. {HOW}")
    return token.strip()


def _refused(detail: str) -> Unauthorized:
    return Unauthorized(detail, headers={"WWW-Authenticate": 'Bearer realm="memspan", error="invalid_token"'})


def _caller(scope: Scope, row: KeyRecord | None) -> Caller:
    client = scope.get("client")
    asked = Caller(
        address=str(client[0]) if client else None,
        method=scope["method"],
        path=path_of(scope),
        request_id=request_id_of(scope),
    )
    if row is None:
        return asked
    return Caller(row.name, row.scope, row.quota, asked.address, asked.method, asked.path, asked.request_id)
