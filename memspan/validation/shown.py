"""What somebody gave, shown back to him: JSON-safe, encodable and short."""

import json
import math
import reprlib
from collections.abc import Mapping
from typing import Any

SHOWN_CHARACTERS = 200
"""How much of a value that a client gave is shown back."""


def clean(text: str) -> str:
    """The text with lone surrogates escaped, so that it can be encoded as UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shown(value: object) -> Any:
    """A client's value as JSON-safe data of about ``SHOWN_CHARACTERS`` at most; a longer one becomes a cut text.

    Non-finite numbers become the strings "NaN", "Infinity" and "-Infinity". The work is bounded by what is shown, not
    by the size of the value.
    """
    if isinstance(value, str):
        return _cut(clean(value[: SHOWN_CHARACTERS + 1]), f"{len(value)} characters")
    try:
        text = _beginning(value)
    except (TypeError, ValueError, RecursionError):  # keys that JSON doesn't have, circles, nesting without end
        return clean(reprlib.repr(value))
    return _cut(text, "the value is longer") if len(text) > SHOWN_CHARACTERS else _safe(value)


def _cut(text: str, note: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}… ({note})"


def _beginning(value: object) -> str:
    """The first characters of the value's JSON, one more than may be shown."""
    text = ""
    for piece in json.JSONEncoder(ensure_ascii=False, default=_described).iterencode(value):
        text += piece[: SHOWN_CHARACTERS + 1]
        if len(text) > SHOWN_CHARACTERS:
            break
    return clean(text[: SHOWN_CHARACTERS + 1])


def _safe(value: object) -> Any:
    match value:
        case None | bool() | int():
            return value
        case str():
            return clean(value)
        case float():
            return value if math.isfinite(value) else _named(value)
        case Mapping():
            return {clean(str(key)): _safe(item) for key, item in value.items()}
        case list() | tuple():
            return [_safe(item) for item in value]
        case _:
            return clean(_described(value))


def _described(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return bytes(value[: SHOWN_CHARACTERS + 1]).decode("utf-8", "backslashreplace")
    return str(value)


def _named(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
