"""Idempotency: a POST sent twice with one ``Idempotency-Key`` happens once.

Source: IETF draft-ietf-httpapi-idempotency-key-header, whose status codes (400, 409, 422) are kept.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import anyio
import structlog
from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BadRequest, Conflict, FieldError, Problem, Unprocessable
from service.middleware.problem_response import problem_response
from service.operations.caller import Caller

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
NOT_STORED = frozenset({401, 403, 413, 429})
"""Answers about the client or the moment, not about the request: asked again, it deserves a new try."""

PASSING_HEADERS = frozenset({"date", "server", "connection", "transfer-encoding", "x-request-id"})
"""Of the exchange, not of the answer; each exchange has its own."""

StoredHeaders = tuple[tuple[str, str], ...]

log = structlog.stdlib.get_logger("memspan.idempotency")


@dataclass(frozen=True)
class Began:
    """The key is new, and now held by this request."""


@dataclass(frozen=True)
class Replay:
    """The key's request was answered before, like this."""

    status: int
    headers: StoredHeaders
    body: bytes


@dataclass(frozen=True)
class Running:
    """The key's request is being answered by another exchange."""


@dataclass(frozen=True)
class Mismatch:
    """The key belongs to a different request."""


class Ledger(Protocol):
    """Who remembers keys. Its methods block and are called in threads; each must be atomic among all processes."""

    def begin(self, key: str, fingerprint: str, now: datetime) -> Began | Replay | Running | Mismatch:
        """Take the key for a request, unless it was taken; a holder that died must not keep it for ever."""

    def finish(self, key: str, status: int, headers: StoredHeaders, body: bytes) -> None:
        """Store the answer of a request that holds the key."""

    def abandon(self, key: str) -> None:
        """Give the key back: the request left nothing to remember. Does nothing to a key with a stored answer."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Idempotency:
    """Lets each keyed POST through once and answers its repetitions from the ledger.

    Keys are each caller's own: two who choose the same one don't meet. With whose it is, the key stands in
    ``scope["state"]["idempotency_key"]``, so that an operation can write it in its own transaction.
    The body is read whole: ``BodyLimit`` must stand outside. Who may not ask must be refused outside, too, since a
    stored answer is given to whoever repeats the request.
    """

    def __init__(self, app: ASGIApp, ledger: Ledger, clock: Callable[[], datetime] = _utc_now) -> None:
        self.app = app
        self.ledger = ledger
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, at most once a key."""
        given = Headers(scope=scope).getlist(HEADER) if scope["type"] == "http" and scope["method"] == "POST" else []
        if not given:
            await self.app(scope, receive, send)
            return
        try:
            await self._serve(_owned(_key(given), scope), scope, receive, send)
        except Problem as problem:
            await problem_response(problem, scope)(scope, receive, send)

    async def _serve(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        match await run_sync(self.ledger.begin, key, fingerprint(scope, body), self.clock()):
            case Began():
                scope.setdefault("state", {})["idempotency_key"] = key
                answer = await self._first(key, scope, _again(body, receive))
                for message in answer:
                    await send(message)
            case Replay() as replay:
                await _send_replay(replay, send)
            case Running():
                raise _running()
            case Mismatch():
                raise _mismatch(given_key(key))

    async def _first(self, key: str, scope: Scope, receive: Receive) -> list[Message]:
        """Let the application answer, and note the answer before anybody sees it."""
        answer: list[Message] = []

        async def collect(message: Message) -> None:
            answer.append(message)

        try:
            await self.app(scope, receive, collect)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await run_sync(self.ledger.abandon, key)
            raise
        with anyio.CancelScope(shield=True):
            await self._note(key, answer)
        return answer

    async def _note(self, key: str, answer: list[Message]) -> None:
        """Store the answer if it is one to repeat. The deed is done, so a failing ledger only costs its memory."""
        stored = _storable(answer)
        try:
            if stored is None:
                await run_sync(self.ledger.abandon, key)
            else:
                await run_sync(self.ledger.finish, key, stored.status, stored.headers, stored.body)
        except Exception:
            log.exception("idempotent_answer_not_stored", key=key)


def fingerprint(scope: Scope, body: bytes) -> str:
    """What makes two requests the same: method, path, query and body, as a SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    for part in (scope["method"].encode(), scope["path"].encode("utf-8", "surrogateescape"), scope["query_string"]):
        digest.update(len(part).to_bytes(8, "big") + part)
    digest.update(body)
    return digest.hexdigest()


def _key(given: list[str]) -> str:
    """The one valid key; the quotes that the draft asks for are optional."""
    key = given[0][1:-1] if len(given[0]) > 1 and given[0][0] == given[0][-1] == '"' else given[0]
    if len(given) == 1 and KEY.fullmatch(key):
        return key
    message = f"{HEADER} must be one token of 1 to 255 visible ASCII characters."
    raise BadRequest(message, errors=[FieldError(HEADER, "wrong_form", message, ", ".join(given))])


def _owned(key: str, scope: Scope) -> str:
    """The key with its caller's name before it, where callers have names; neither holds a space."""
    caller: Caller | None = scope.get("state", {}).get("caller")
    return key if caller is None or caller.name is None else f"{caller.name} {key}"


def given_key(owned: str) -> str:
    """The key as its caller gave it."""
    return owned.rpartition(" ")[2]


async def _read(receive: Receive) -> bytes | None:
    """The whole body, None if the client went away."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body once more, and then what comes."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return pending.pop() if pending else await receive()

    return receive_again


def _storable(answer: list[Message]) -> Replay | None:
    """The answer as it may be repeated; None if it is not to be: failed, about the client, unfinished or secret."""
    if not answer or answer[-1]["type"] != "http.response.body" or answer[-1].get("more_body", False):
        return None
    headers = Headers(raw=list(answer[0].get("headers", [])))
    status = int(answer[0]["status"])
    if status >= 500 or status in NOT_STORED or "set-cookie" in headers or _is_secret(headers):
        return None
    kept = tuple((name, value) for name, value in headers.items() if name not in PASSING_HEADERS)
    return Replay(status, kept, b"".join(message.get("body", b"") for message in answer[1:]))


def _is_secret(headers: Headers) -> bool:
    return "no-store" in headers.get("cache-control", "")


async def _send_replay(replay: Replay, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in replay.headers]
    headers.append((REPLAYED.lower().encode(), b"true"))
    await send({"type": "http.response.start", "status": replay.status, "headers": headers})
    await send({"type": "http.response.body", "body": replay.body})


def _running() -> Conflict:
    return Conflict(
        f"The request with this {HEADER} is still being answered; ask again in a second.", headers={"Retry-After": "1"}
    )


def _mismatch(key: str) -> Unprocessable:
    message = f"This {HEADER} was used for a different request; a new request needs a new key."
    return Unprocessable(message, errors=[FieldError(HEADER, "key_reused", message, key)])
