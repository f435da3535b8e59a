"""Bodies: from the bytes of a request to a valid model, or to all its errors at once."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from email.message import Message
from functools import partial
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from starlette.datastructures import Headers

from memspan.experiment.flaw import Flaw
from memspan.validation.places import LISTED_ERRORS, places, unlisted
from service.errors import BadRequest, FieldError, TooLarge, UnsupportedMediaType
from service.middleware.duplicate_keys import duplicate_keys
from service.middleware.excerpt import Caps, Excerpt
from service.middleware.field_errors import field_errors_at, unprocessable
from service.middleware.host import FETCH_SITE, OWN_PAGES
from service.middleware.remaining_flaws import Look, flaw_error, remaining_flaws
from service.pools import Pools

M = TypeVar("M")

MAX_VALUES = 100_000
"""Most values of a body, by its commas. Each wrong one costs some 400 bytes and 1 µs before anybody can look at it: a
body of 16 MiB of wrong values took 3.4 GB and 10 s. The largest grid there may be needs far fewer."""

FORM = "application/x-www-form-urlencoded"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def json_body(
    model: type[M] | TypeAdapter[M],
    *,
    empty: bytes = b"",
    max_values: int = MAX_VALUES,
    look: Callable[[Request, M], Iterable[Flaw]] | None = None,
) -> Callable[[Request], Awaitable[M]]:
    """A FastAPI dependency that reads the request's JSON body as a ``model``: ``Depends(json_body(ExperimentSpec))``.

    Values are read strictly (no ``"3"`` for 3), with ``app.state.settings.limits`` as ``info.context["limits"]``. The
    reading is done in a pool of ``app.state.pools``: a large body must not keep other requests waiting.

    Args:
        model: a pydantic model, or a ``TypeAdapter`` for what is no class, such as a union.
        empty: what an absent body stands for, ``b"{}"`` where every field has a default.
        max_values: most values that the body may hold.
        look: finds what the types can't see; its flaws are told together with those of the types.

    Raises (from the dependency):
        UnsupportedMediaType, BadRequest, TooLarge, Unprocessable, Busy.
    """
    parsed = json_reader(model, max_values=max_values, look=look)

    async def parsed_body(request: Request) -> M:
        return await parsed(request, await raw_body(request) or empty)

    return parsed_body


def json_reader(
    model: type[M] | TypeAdapter[M],
    *,
    max_values: int = MAX_VALUES,
    look: Callable[[Request, M], Iterable[Flaw]] | None = None,
) -> Callable[[Request, bytes], Awaitable[M]]:
    """The same for a body whose bytes are there already."""
    adapter: TypeAdapter[M] = model if isinstance(model, TypeAdapter) else TypeAdapter(model)
    caps = Caps(adapter)

    async def parsed(request: Request, raw: bytes) -> M:
        _check_size(raw, max_values)
        context = {"limits": request.app.state.settings.limits}
        reader = Reader(adapter, caps, context, partial(look, request) if look else _nothing)
        pools: Pools = request.app.state.pools
        return await pools.checks.run(partial(reader.read, raw))

    return parsed


async def raw_body(request: Request) -> bytes:
    """The bytes of a body that says that it is JSON; nothing else keeps hold of them.

    Raises:
        UnsupportedMediaType.
    """
    _check_type(request.headers.get("content-type"))
    raw = b"".join([part async for part in request.stream()]).removeprefix(BYTE_ORDER_MARK)
    if raw:
        _check_page(request.headers)
    return raw


def _nothing(model: Any) -> Iterable[Flaw]:
    return ()


@dataclass(frozen=True)
class Reader(Generic[M]):
    """How the bytes of one request become a model."""

    adapter: TypeAdapter[M]
    caps: Caps
    context: dict[str, Any]
    look: Look[M]

    def read(self, raw: bytes) -> M:
        """The model, or everything that is wrong at once."""
        try:
            body = from_json(raw)
        except ValueError as reason:
            raise _unreadable(raw, reason) from None
        excerpt = self.caps.excerpt(body) if raw.count(b",") >= LISTED_ERRORS else Excerpt(body)
        twice = duplicate_keys(raw)
        try:
            model = self._validated(raw if excerpt.whole else to_json(excerpt.body))
        except ValidationError as error:
            errors = excerpt.errors + self._field_errors(error, excerpt) + twice
            raise unprocessable(errors, excerpt.unlisted + unlisted(error)) from None
        errors = excerpt.errors + twice
        if len(errors) < LISTED_ERRORS:
            errors += [flaw_error(flaw, excerpt.body) for flaw in self.look(model)]
        if errors:
            raise unprocessable(errors, excerpt.unlisted)
        return model

    def _validated(self, raw: bytes) -> M:
        return self.adapter.validate_json(raw, strict=True, context=self.context)

    def _field_errors(self, error: ValidationError, excerpt: Excerpt) -> list[FieldError]:
        """What is wrong with the fields, and what is wrong beside that; not the latter where much is wrong."""
        first = places(error, excerpt.body)
        if unlisted(error) or excerpt.unlisted:
            return field_errors_at(first)
        further = remaining_flaws(excerpt.body, first, lambda sound: self._validated(to_json(sound)), self.look)
        return field_errors_at(first) + further


def _check_type(content_type: str | None) -> None:
    """Refuse what says that it isn't JSON in UTF-8.

    ``curl -d '{...}'`` calls its data a form unless it is told otherwise, and many clients say nothing at all: both
    pass here and are judged by whether they parse. What a page sends must say what it is: see ``_check_page``.
    """
    if content_type is None:
        return
    header = Message()
    header["content-type"] = content_type
    kind, charset = header.get_content_type(), header.get_content_charset("utf-8")
    is_json = kind in ("application/json", FORM) or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json or charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(
            f"The body must be application/json in UTF-8, not {content_type[:100]!r}.",
            headers={"Accept": "application/json"},
        )


def _check_page(headers: Headers) -> None:
    """Refuse a page's body that isn't called JSON.

    A browser sends forms and plain text to any site without asking first, JSON only where that site allows it. A
    request of a page bears ``Origin``, or says in ``Sec-Fetch-Site`` where the page is from; those of programs don't.
    """
    page = "origin" in headers or headers.get(FETCH_SITE, "none").strip().lower() not in OWN_PAGES
    kind = headers.get("content-type", "nothing").partition(";")[0].strip().lower()
    if page and kind in ("nothing", FORM):
        raise UnsupportedMediaType(
            f"A page must send its body as application/json; this one is called {kind}.",
            headers={"Accept": "application/json"},
        )


def _check_size(raw: bytes, max_values: int) -> None:
    if not raw.strip():
        raise BadRequest("The body is empty; a JSON document is expected.")
    if (values := raw.count(b",") + 1) > max_values:
        raise TooLarge(f"The body holds up to {values} values; at most {max_values} are read.")


def _unreadable(raw: bytes, reason: ValueError) -> BadRequest:
    """Why the body is no JSON, and where."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return BadRequest(f"The body is not UTF-8: byte 0x{raw[error.start]:02x} at position {error.start}.")
    if "recursion limit" in str(reason):
        return BadRequest(f"The body is nested too deep: {reason}.")
    return BadRequest(f"The body is not valid JSON: {reason}.")
