"""Idempotency: a POST sent twice with one ``Idempotency-Key`` happens once.

Source: IETF draft-ietf-httpapi-idempotency-key-header, whose status codes (400, 409, 422) are kept.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import anyio
import structlog
from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BadRequest, Conflict, FieldError, Problem, Unprocessable
from service.middleware.problem_response import problem_response
from service.middleware.upload import UPLOAD, Upload
from service.operations.caller import Caller

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
NOT_STORED = frozenset({401, 403, 413, 429})
"""Answers about the client or the moment, not about the request: asked again, it deserves a new try."""

PASSING_HEADERS = frozenset({"date", "server", "connection", "transfer-encoding", "x-request-id"})
"""Of the exchange, not of the answer; each exchange has its own."""

MOST_KEPT_BYTES = 1_000_000
"""of an answer's body; larger ones would fill the database"""
COMPUTES = re.compile(r"/checkpoints/[^/]+/predictions|/tasks/[^/]+/samples")
"""Paths whose answers follow from the request alone: asked again they are computed again."""

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
class Unkept:
    """The key's request was answered before; of the answer only where to look is kept, if it said so."""

    location: str | None = None


@dataclass(frozen=True)
class Running:
    """The key's request is being answered by another exchange."""


@dataclass(frozen=True)
class Mismatch:
    """The key belongs to a different request."""


class Ledger(Protocol):
    """Who remembers keys. Its methods block and are called in threads; each must be atomic among all processes."""

    def begin(self, key: str, fingerprint: str, now: datetime) -> Began | Replay | Unkept | Running | Mismatch:
        """Take the key for a request, unless it was taken; a holder that died must not keep it for ever."""

    def finish(self, key: str, status: int, headers: StoredHeaders, body: bytes | None) -> None:
        """Store the answer of a request that holds the key; None for a body that is not to be kept."""

    def abandon(self, key: str) -> None:
        """Give the key back: the request left nothing to remember. Does nothing to a key with a stored answer."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Idempotency:
    """Lets each keyed POST through once and answers its repetitions from the ledger.

    What only computes is computed again, and its answer, which may be large, passes through without being kept. Of any
    other answer above ``MOST_KEPT_BYTES`` the ledger keeps the Location: a repetition is led there (303) or told (409).

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
        known = await run_sync(self.ledger.begin, key, fingerprint(scope, body), self.clock())
        receive, only_computes = _again(body, receive), COMPUTES.fullmatch(scope["path"]) is not None
        del body  # it may be large, and whoever reads it lets go of it sooner
        match known:
            case Began() if only_computes:
                await self._computed(key, scope, receive, send)
            case Began():
                scope.setdefault("state", {})["idempotency_key"] = key
                answer = await self._first(key, scope, receive)
                for message in answer:
                    await send(message)
            case Unkept() if only_computes:
                await self.app(scope, receive, _replaying(send))
            case Unkept() as unkept:
                await _lead(unkept, key, scope, receive, send)
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

    async def _computed(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer as it goes, and note that it does before anybody sees it."""
        noted = False

        async def note_and_send(message: Message) -> None:
            nonlocal noted
            if message["type"] == "http.response.start":
                status, noted = int(message["status"]), True
                keep = status < 500 and status not in NOT_STORED
                finish, abandon = partial(self.ledger.finish, key, status, (), None), partial(self.ledger.abandon, key)
                await run_sync(finish if keep else abandon)
            await send(message)

        try:
            await self.app(scope, receive, note_and_send)
        finally:
            if not noted:
                with anyio.CancelScope(shield=True):
                    await run_sync(self.ledger.abandon, key)

    async def _note(self, key: str, answer: list[Message]) -> None:
        """Store the answer if it is one to repeat. The deed is done, so a failing ledger only costs its memory."""
        stored = _storable(answer)
        try:
            if stored is None:
                await run_sync(self.ledger.abandon, key)
            else:
                body = stored.body if len(stored.body) <= MOST_KEPT_BYTES else None
                await run_sync(self.ledger.finish, key, stored.status, stored.headers, body)
        except Exception:
            log.exception("idempotent_answer_not_stored", key=key)


def fingerprint(scope: Scope, body: bytes) -> str:
    """What makes two requests the same: method, path, query and body, as a SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    for part in (scope["method"].encode(), scope["path"].encode("utf-8", "surrogateescape"), scope["query_string"]):
        digest.update(len(part).to_bytes(8, "big") + part)
    upload = scope.get("state", {}).get(UPLOAD)
    digest.update(upload.sha256.encode() if isinstance(upload, Upload) else body)
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


def _replaying(send: Send) -> Send:
    """A ``send`` that says of an answer that it was given before."""

    async def send_replay(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[REPLAYED] = "true"
        await send(message)

    return send_replay


async def _lead(unkept: Unkept, key: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Lead to what the request has made, where its answer was too large to be kept."""
    if unkept.location is None:
        raise Conflict(
            f"The request with this {HEADER} was answered; the answer had more than {MOST_KEPT_BYTES} bytes and was "
            "not kept. What it did is done: look at what it was about."
        )
    headers = {"Location": unkept.location, REPLAYED: "true"}
    await Response(status_code=303, headers=headers)(scope, receive, send)


def _running() -> Conflict:
    return Conflict(
        f"The request with this {HEADER} is still being answered; ask again in a second.", headers={"Retry-After": "1"}
    )


def _mismatch(key: str) -> Unprocessable:
    message = f"This {HEADER} was used for a different request; a new request needs a new key."
    return Unprocessable(message, errors=[FieldError(HEADER, "key_reused", message, key)])
