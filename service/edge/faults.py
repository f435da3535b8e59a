"""Faults: all that is wrong with a body at once, in the client's own words and paths."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from service.edge.branches import Placed, told
from service.edge.pointer import Part, Path, pointer, subject, walk
from service.edge.sentences import sentence
from service.errors import Fault, Unprocessable

LISTED_FAULTS = 1_000
"""No answer lists more: nobody reads them, and a body of wrong values must not be answered by a bigger one."""


def faults(error: ValidationError, body: object) -> list[Fault]:
    """The faults of a body that failed validation, each place once.

    Args:
        error: from ``validate_json(..., strict=True)`` of the body.
        body: the same document, parsed and otherwise untouched.
    """
    return faults_at(places(error, body))


def places(error: ValidationError, body: object) -> list[Placed]:
    """The same before they are put into sentences."""
    errors = [found for found in error.errors(include_url=False) if not _follows_from_another(found)]
    return told([_placed(item, body) for item in errors[:LISTED_FAULTS]])


def faults_at(placed: Sequence[Placed]) -> list[Fault]:
    """Sentences about errors in their places, each once."""
    found = [_fault(each) for each in placed]
    return list({(fault.pointer, fault.code, fault.message): fault for fault in found}.values())


def unprocessable(found: Sequence[Fault]) -> Unprocessable:
    """The problem that names all the faults."""
    if len(found) == 1:
        return Unprocessable(found[0].message, errors=found)
    count = f"At least {LISTED_FAULTS}" if len(found) >= LISTED_FAULTS else str(len(found))
    return Unprocessable(f"{count} fields are wrong, listed in errors. The first: {found[0].message}", errors=found)


def _follows_from_another(error: Mapping[str, Any]) -> bool:
    """Whether pydantic counted only the valid items of a list that is long enough, and so calls it too short."""
    if error["type"] != "too_short" or not isinstance(error["input"], list | dict):
        return False
    return len(error["input"]) >= int(error["ctx"]["min_length"])


def _placed(error: Mapping[str, Any], body: object) -> Placed:
    loc: Sequence[Part] = error["loc"]
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


def _fault(placed: Placed) -> Fault:
    message = sentence(subject(placed.path), placed.error, placed.given)
    return Fault(pointer(placed.path), placed.code, message, placed.given)
