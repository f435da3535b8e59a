"""Remaining flaws: what the types of a body can't see, told with what they can.

A body that fails validation has no model to look at. So what is wrong is left out, and what remains is looked at: a
client learns of a length that is too short for a task in the same answer as of a misspelt optimizer.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from memspan.experiment.flaw import Flaw
from memspan.validation.branches import Placed
from memspan.validation.places import places
from memspan.validation.pointer import Path, pointer
from memspan.validation.sentences import MISSING
from service.errors import FieldError

M = TypeVar("M")
Look = Callable[[M], Iterable[Flaw]]
ROUNDS = 5
"""of leaving out; what is wrong inside a part that itself must be there takes one more"""


def remaining_flaws(body: Any, first: Sequence[Placed], read: Callable[[Any], M], look: Look[M]) -> list[FieldError]:
    """The flaws of what is sound in a body.

    Args:
        body: as the client sent it.
        first: what is wrong with it.
        read: makes the model of a body, or raises ValidationError.
        look: finds the flaws of a model.
    """
    wrong = {_culprit(placed) for placed in first}
    for _ in range(ROUNDS):
        if () in wrong:
            return []
        sound = _without(body, wrong, ())
        try:
            model = read(sound)
        except ValidationError as error:
            wrong |= {_original(_culprit(placed), body, wrong) for placed in places(error, sound)}
        else:
            return [flaw_error(flaw, body, wrong) for flaw in look(model) if _is_certain(flaw, body, wrong)]
    return []


def flaw_error(flaw: Flaw, body: Any, wrong: Iterable[Path] = ()) -> FieldError:
    """A flaw as an error of the client's body, of which the parts at ``wrong`` were left out."""
    path = _original(flaw.path, body, set(wrong))
    value = _value(body, path)
    if flaw.member and isinstance(value, list):
        path = (*path, next(index for index, item in enumerate(value) if type(item) is int and item == flaw.given))
    return FieldError(pointer(path), flaw.code, flaw.message, value if flaw.given is None else flaw.given)


def _culprit(placed: Placed) -> Path:
    """What must go: the wrong value, or the object that lacks something."""
    return placed.path[:-1] if placed.code == MISSING else placed.path


def _without(value: Any, wrong: set[Path], path: Path) -> Any:
    match value:
        case dict():
            kept = {key: (*path, key) for key in value if (*path, key) not in wrong}
            return {key: _without(value[key], wrong, where) for key, where in kept.items()}
        case list():
            there = [(item, (*path, index)) for index, item in enumerate(value)]
            return [_without(item, wrong, where) for item, where in there if where not in wrong]
        case _:
            return value


def _original(path: Path, body: Any, wrong: set[Path]) -> Path:
    """The place in the body of a place in what was left of it: positions count what was left out, too."""
    found: Path = ()
    for part in path:
        value = _value(body, found)
        if isinstance(value, list) and isinstance(part, int):
            part = [index for index in range(len(value)) if (*found, index) not in wrong][part]
        found = (*found, part)
    return found


def _value(body: Any, path: Path) -> Any:
    """What stands at a place of the body; None where nothing does."""
    for part in path:
        try:
            body = body[part]
        except (LookupError, TypeError):
            return None
    return body


def _is_certain(flaw: Flaw, body: Any, wrong: set[Path]) -> bool:
    """Whether a flaw is the client's own, and no consequence of what was left out."""
    path, *causes = (_original(place, body, wrong) for place in (flaw.path, *flaw.because))
    above = any(path[: len(other)] == other for other in wrong)
    return not above and not any(_touches(place, wrong) for place in (causes if flaw.member else [path, *causes]))


def _touches(path: Path, wrong: set[Path]) -> bool:
    """Whether something was left out at the path, above it or within it."""
    return any(other[: len(path)] == path[: len(other)] for other in wrong)
