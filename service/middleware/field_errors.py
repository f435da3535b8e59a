"""Field errors: all that is wrong with a body at once, in the client's own words and paths."""

from collections.abc import Sequence

from memspan.validation.branches import Placed
from memspan.validation.places import LISTED_ERRORS
from memspan.validation.pointer import pointer, subject
from memspan.validation.sentences import sentence
from service.errors import FieldError, Unprocessable


def field_errors_at(placed: Sequence[Placed]) -> list[FieldError]:
    """Sentences about errors in their places, each once."""
    found = [_field_error(each) for each in placed]
    return list({(error.pointer, error.code, error.message): error for error in found}.values())


def unprocessable(found: Sequence[FieldError]) -> Unprocessable:
    """The problem that names all the errors."""
    if len(found) == 1:
        return Unprocessable(found[0].message, errors=found)
    count = f"At least {LISTED_ERRORS}" if len(found) >= LISTED_ERRORS else str(len(found))
    return Unprocessable(f"{count} fields are wrong, listed in errors. The first: {found[0].message}", errors=found)


def _field_error(placed: Placed) -> FieldError:
    message = sentence(subject(placed.path), placed.error, placed.given)
    return FieldError(pointer(placed.path), placed.code, message, placed.given)
