"""Faults: all that is wrong with a body at once, in the client's own words and paths."""

from collections.abc import Sequence

from pydantic import ValidationError

from memspan.faults.branches import Placed
from memspan.faults.places import LISTED_FAULTS, places
from memspan.faults.pointer import pointer, subject
from memspan.faults.sentences import sentence
from service.errors import Fault, Unprocessable


def faults(error: ValidationError, body: object) -> list[Fault]:
    """The faults of a body that failed validation, each place once.

    Args:
        error: from ``validate_json(..., strict=True)`` of the body.
        body: the same document, parsed and otherwise untouched.
    """
    return faults_at(places(error, body))


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


def _fault(placed: Placed) -> Fault:
    message = sentence(subject(placed.path), placed.error, placed.given)
    return Fault(pointer(placed.path), placed.code, message, placed.given)
