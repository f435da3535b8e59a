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


def unprocessable(found: Sequence[FieldError], unlisted: int = 0) -> Unprocessable:
    """The problem that names the errors, as many as are listed, and says how many more there are.

    Args:
        found: the errors.
        unlisted: how many there are beside them.
    """
    listed, unlisted = found[:LISTED_ERRORS], unlisted + len(found[LISTED_ERRORS:])
    first = listed[0].message
    if unlisted:
        count = len(listed) + unlisted
        detail = f"{count} values are wrong; the first {len(listed)} are listed in errors. The very first: {first}"
        return Unprocessable(detail, errors=listed, more_errors=unlisted)
    if len(listed) == 1:
        return Unprocessable(first, errors=listed)
    return Unprocessable(f"{len(listed)} fields are wrong, listed in errors. The first: {first}", errors=listed)


def _field_error(placed: Placed) -> FieldError:
    message = sentence(subject(placed.path), placed.error, placed.given)
    return FieldError(pointer(placed.path), placed.code, message, placed.given)
