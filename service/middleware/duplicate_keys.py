"""Duplicate keys: an object holds a key twice. JSON leaves open which of the values counts, so neither does here."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from memspan.validation.places import LISTED_ERRORS
from memspan.validation.pointer import Path, pointer, subject
from service.errors import FieldError


class _Members(list[tuple[str, Any]]):
    """An object's members as they stand in the document."""


def duplicate_keys(raw: bytes) -> list[FieldError]:
    """An error for each key that stands twice in its object, as many as are listed.

    Args:
        raw: a valid JSON document in UTF-8.
    """
    if raw.count(b":") < 2:  # one member at most; spares predictions a second reading of millions of numbers
        return []
    # Numbers stay texts: some have more digits than Python reads.
    document = json.loads(raw.decode(), object_pairs_hook=_Members, parse_int=str, parse_float=str, parse_constant=str)
    return [_field_error(path) for path in islice(dict.fromkeys(_twice(document, ())), LISTED_ERRORS)]


def _twice(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, _Members):
        seen: set[str] = set()
        for key, member in value:
            if key in seen:
                yield (*path, key)
            seen.add(key)
            yield from _twice(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _twice(item, (*path, index))


def _field_error(path: Path) -> FieldError:
    return FieldError(pointer(path), "duplicate_key", f"{subject(path)} is given more than once; give it once.")
