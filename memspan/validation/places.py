"""Places: where in a document, as its author wrote it, the errors of its validation stand."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from memspan.validation.branches import Placed, told
from memspan.validation.pointer import Path, Token, walk

LISTED_ERRORS = 100
"""No answer lists more: nobody reads them, and a body of wrong values must not be answered by a bigger one."""


def places(error: ValidationError, body: object) -> list[Placed]:
    """The errors of a document that failed validation in their places, those worth telling.

    Args:
        error: from ``validate_json(..., strict=True)`` of the document.
        body: the same document, parsed and otherwise untouched.
    """
    errors = [found for found in error.errors(include_url=False) if not _follows_from_another(found)]
    return told([_placed(item, body) for item in errors[:LISTED_ERRORS]])


def unlisted(error: ValidationError) -> int:
    """How many errors ``places`` does not look at."""
    return max(error.error_count() - LISTED_ERRORS, 0)


def _follows_from_another(error: Mapping[str, Any]) -> bool:
    """Whether pydantic counted only the valid items of a list that is long enough, and so calls it too short."""
    if error["type"] != "too_short" or not isinstance(error["input"], list | dict):
        return False
    return len(error["input"]) >= int(error["ctx"]["min_length"])


def _placed(error: Mapping[str, Any], body: object) -> Placed:
    loc: Sequence[Token] = error["loc"]
    if error["type"] == "missing":
        found = walk(body, loc[:-1], error["input"])
        return Placed((*found.path, loc[-1]), found.labels, error, None)
    found = walk(body, loc, error["input"])
    if error["type"] in ("union_tag_not_found", "union_tag_invalid"):
        return _placed_tag(error, found.path, found.labels)
    return Placed(found.path, found.labels, error, error["input"])


def _placed_tag(error: Mapping[str, Any], path: Path, labels: tuple[tuple[Path, str], ...]) -> Placed:
    """A wrong tag stands where the tag does, not at the object that bears it."""
    tag = str(error["ctx"]["discriminator"]).strip("'")
    given = error["input"].get(tag) if isinstance(error["input"], dict) else None
    return Placed((*path, tag), labels, error, given)
