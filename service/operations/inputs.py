"""Inputs of predictions: nested lists of numbers, read as an array; what isn't that is named with its place."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from memspan.interfaces.json_numbers import spelled
from service.errors import FieldError, Unprocessable

POINTER = "#/inputs"
NAMED = 20
"""wrong places that are named one by one"""
LARGEST = float(np.finfo(np.float32).max)
NUMBERS = frozenset({int, float})

Place = tuple[int, ...]
Shape = tuple[int, ...]


def array_of(inputs: Any, first: int = 0, like: Shape | None = None) -> np.ndarray:
    """Nested lists of equal lengths, at most four deep, as an array of 32-bit floats.

    Args:
        first: the number of the first of them, where they are some of more.
        like: the shape of each, where others were before; else that of the first.

    Raises:
        Unprocessable: something in them is no finite number, or their lengths differ.
    """
    shape = _shape(inputs) if like is None else (len(inputs), *like)
    if not 1 <= len(shape) <= 4:
        message = f"Must be nested lists of numbers, (B, T, C) or (B, T); given {_named(inputs)}."
        raise refused([FieldError(POINTER, "wrong_shape", message, inputs)])
    numbers = _converted(inputs)
    if numbers is None or numbers.shape != shape:
        raise refused(list(islice(_wrong(inputs, (), shape, first), NAMED)))
    return numbers


def refused(errors: list[FieldError]) -> Unprocessable:
    """The problem whose sentence is the first error's."""
    more = f"; {len(errors)} places are listed in errors." if len(errors) > 1 else "."
    return Unprocessable(errors[0].message.removesuffix(".") + more, errors=errors)


def _shape(inputs: Any) -> Shape:
    """The lengths of the first list of every level."""
    if not isinstance(inputs, list):
        return ()
    return (len(inputs), *(_shape(inputs[0]) if inputs else ()))


def _converted(inputs: list[Any]) -> np.ndarray | None:
    """The array, None if anything is wrong; without a step of Python for each of what may be millions of numbers."""
    if not _types(inputs) <= NUMBERS:
        return None
    try:
        numbers = np.asarray(inputs, dtype=np.float64)
    except (ValueError, OverflowError):  # lists of unequal lengths, a whole number beyond every float
        return None
    return numbers.astype(np.float32) if (np.abs(numbers) <= LARGEST).all() else None


def _types(inputs: list[Any]) -> set[type]:
    """The types of all that is no list."""
    found: set[type] = set()
    level = inputs
    while level:
        types = set(map(type, level))
        found |= types - {list}
        level = list(chain.from_iterable(each for each in level if type(each) is list)) if list in types else []
    return found


def _wrong(value: Any, place: Place, shape: Shape, first: int = 0) -> Iterator[FieldError]:
    """Everything that is not like the first of its level, or no finite number."""
    if not shape:
        if type(value) not in NUMBERS or not abs(value) <= LARGEST:
            yield _field_error(
                place, "wrong_type" if type(value) not in NUMBERS else "not_finite", "a finite number", value
            )
    elif not isinstance(value, list) or len(value) != shape[0]:
        yield _field_error(place, "wrong_shape", f"a list of {shape[0]} like the first of its level", value)
    else:
        for index, each in enumerate(value, first):
            yield from _wrong(each, (*place, index), shape[1:])


def _field_error(place: Place, code: str, required: str, value: Any) -> FieldError:
    pointer = "/".join([POINTER, *map(str, place)])
    limit = " of 32 bits" if code == "not_finite" else ""
    return FieldError(pointer, code, f"Must be {required}{limit}, not {_named(value)}.", value)


def _named(value: Any) -> str:
    """What was given, in a few words."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "an object"
        case str():
            return "a text"
        case float():
            return str(spelled(value))
        case _:
            return "so large a number" if abs(value) > LARGEST else str(value)
