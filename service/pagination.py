"""Pagination: lists in pages, each with the way to the next; and public ids."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from memspan.validation.shown import clean
from service.errors import BadRequest, FieldError, NotFound

T = TypeVar("T")

MAX_LIMIT = 500
DEFAULT_LIMIT = 50
MAX_KEY = 2**63 - 1
"""Largest integer key of a database row."""

Position = Mapping[str, int | str]


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(description="Give it as `cursor` to get the next page; null on the last.")


@dataclass(frozen=True)
class PageQuery:
    """Which page a client asks for: ``limit`` rows behind the row ``after``, from the first if that is None."""

    limit: int
    after: int | None


def page_query(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Most items of the page.")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> PageQuery:
    """A FastAPI dependency that reads ``limit`` and ``cursor`` of a list in the order of one integer key.

    Raises:
        BadRequest: the cursor is none of ours.
    """
    return PageQuery(limit, None if cursor is None else int(decode_cursor(cursor, {"k": int})["k"]))


def page(items: Sequence[T], next_key: int | None, request: Request, response: Response) -> dict[str, Any]:
    """The page as data, with a Link header to the next one (RFC 8288) put on the response.

    Args:
        items: of this page.
        next_key: key of the page's last row if there are rows behind it, else None.
    """
    next_cursor = None if next_key is None else encode_cursor({"k": next_key})
    if next_cursor is not None:
        response.headers["Link"] = next_link(request, next_cursor)
    return {"items": list(items), "next_cursor": next_cursor}


def next_link(request: Request, cursor: str) -> str:
    """A Link header's value: this very request with another cursor."""
    return f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'


def encode_cursor(position: Position) -> str:
    """A position in a list as an opaque text that needs no escaping in a URL."""
    text = json.dumps(dict(position), separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, expected: Mapping[str, type[int] | type[str]]) -> Position:
    """The position that a cursor stands for; cursors come from outside, so each value's type is checked.

    Raises:
        BadRequest: the cursor is none that a list with ``expected`` values gave out.
    """
    try:
        position = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _bad_cursor(cursor) from None
    if not isinstance(position, dict) or position.keys() != expected.keys():
        raise _bad_cursor(cursor)
    if not all(_fits(position[name], kind) for name, kind in expected.items()):
        raise _bad_cursor(cursor)
    return position


def _fits(value: object, kind: type) -> bool:
    if type(value) is not kind:
        return False
    if isinstance(value, int):
        return abs(value) <= MAX_KEY
    return "\0" not in str(value) and str(value) == clean(str(value))  # PostgreSQL stores no null character


def _bad_cursor(cursor: str) -> BadRequest:
    message = "cursor must be a next_cursor that this list has given out."
    return BadRequest(message, errors=[FieldError("?cursor", "wrong_form", message, cursor)])


def public_id(prefix: str, key: int) -> str:
    """A row's id as clients see it: ``exp-12``."""
    return f"{prefix}-{key}"


def parse_key(prefix: str, public_id: str) -> int:
    """The row's key that a public id names.

    Raises:
        NotFound: no row can have this id.
    """
    found = re.fullmatch(rf"{re.escape(prefix)}-([1-9][0-9]{{0,18}})", public_id)
    if found is None or int(found[1]) > MAX_KEY:
        raise NotFound(f"There is nothing with the id {public_id[:60]!r}; ids here look like {prefix}-12.")
    return int(found[1])
