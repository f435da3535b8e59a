"""Query strings: an unknown parameter is an error. Ignored, ``?dryrun=true`` would start what it should only plan."""

from collections.abc import Iterator
from difflib import get_close_matches

from fastapi import Request
from fastapi.dependencies.models import Dependant

from service.errors import FieldError, Unprocessable


def known_parameters(request: Request) -> None:
    """Refuse parameters that the route does not take.

    Raises:
        Unprocessable: names each of them, and those that there are.
    """
    taken = frozenset(_names(request.scope["route"].dependant))
    unknown = sorted(set(request.query_params) - taken)
    if unknown:
        errors = [FieldError(f"?{name}", "unknown", _told(name, taken), request.query_params[name]) for name in unknown]
        raise Unprocessable(" ".join(error.message for error in errors), errors=errors)


def _names(dependant: Dependant) -> Iterator[str]:
    """The names of the parameters that a route takes, or a part of it."""
    yield from (parameter.alias for parameter in dependant.query_params)
    for part in dependant.dependencies:
        yield from _names(part)


def _told(name: str, taken: frozenset[str]) -> str:
    near = get_close_matches(name, taken, n=1)
    guess = f"; is {near[0]} meant?" if near else "."
    takes = f"It takes {', '.join(sorted(taken))}." if taken else "It takes none."
    return f"There is no parameter {name!r} here{guess} {takes}"
