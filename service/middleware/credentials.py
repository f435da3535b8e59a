"""Credentials: the key that a request shows, in its Authorization header or by the session of a browser."""

from dataclasses import dataclass
from secrets import compare_digest

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from service.errors import Forbidden, Unauthorized
from service.middleware.host import SAFE_METHODS
from service.middleware.keyring import Ring
from service.middleware.visitor import Visitor
from service.operations import sessions
from service.operations.times import rfc3339
from service.storage.keys import KeyRecord

SESSION_COOKIE = "memspan_session"
TOKEN_HEADER = "X-Memspan-Token"  # noqa: S105 - the name of a header
HOW = "Send it as 'Authorization: Bearer mspn_...'; whoever runs the service makes one with memspan keys create."


class KeyNeeded(Unauthorized):
    """A request shows no key; a browser may show one at /login."""


@dataclass(frozen=True)
class Shown:
    """A key that works.

    Attributes:
        sha256: of what showed it: the key itself, or the session.
        visitor: of a session.
    """

    row: KeyRecord
    sha256: str
    visitor: Visitor | None = None


def shown(ring: Ring, scope: Scope, at: float) -> Shown:
    """The key that a request shows.

    Raises:
        KeyNeeded: it shows none.
        Unauthorized: the key doesn't work.
        Forbidden: a session changes something without the token of its pages.
    """
    given = Headers(scope=scope).getlist("authorization")
    if given:
        row = working(ring, _bearer(given), at)
        return Shown(row, row.sha256)
    cookie = Request(scope).cookies.get(SESSION_COOKIE)
    found = ring.find_session(cookie, at) if cookie else None
    if cookie is None or found is None or not found.works(ring.now(at)):
        raise KeyNeeded(f"A key is needed. {HOW}")
    visitor = Visitor(found.name, found.scope, sessions.token(cookie))
    if scope["method"] not in SAFE_METHODS:
        _require_token(scope, visitor)
    return Shown(found, sessions.digest(cookie), visitor)


def working(ring: Ring, secret: str, at: float) -> KeyRecord:
    """The key of a secret, or Unauthorized where it doesn't work."""
    row = ring.find(secret)
    if row is None:
        raise _refused(f"The key is not known here. {HOW}")
    if row.revoked_at is not None:
        raise _refused(f"The key {row.name!r} was revoked at {rfc3339(row.revoked_at)}.")
    if row.expired(ring.now(at)):
        raise _refused(f"The key {row.name!r} expired at {rfc3339(row.expires_at)}.")
    return row


def _bearer(given: list[str]) -> str:
    """The one token that a request bears (RFC 6750, 2.1)."""
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        raise Unauthorized(f"One Authorization header is read, with the scheme Bearer. {HOW}")
    return token.strip()


def _require_token(scope: Scope, visitor: Visitor) -> None:
    """A cookie goes along with whatever a browser is made to send; only our own pages know the token."""
    given = Headers(scope=scope).get(TOKEN_HEADER, "")
    if not compare_digest(given.encode("utf-8", "replace"), visitor.token.encode()):
        raise Forbidden(f"A browser's session changes things from this service's pages only ({TOKEN_HEADER}).")


def _refused(detail: str) -> Unauthorized:
    return Unauthorized(detail, headers={"WWW-Authenticate": 'Bearer realm="memspan", error="invalid_token"'})
