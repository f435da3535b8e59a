"""Masking: what must not stand in a log is replaced by ``***``, whoever wrote it there.

Nobody means to log a secret; errors of drivers, tracebacks and headers bring them along. So every text of every line is
looked at, after everything else.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"
SHORTEST = 8
"""characters of a secret that is looked for by its own letters; a shorter one would be found in innocent words"""

NAMES = r"[\w-]*(?:authorization|cookie|password|passwd|secret|api[_-]?key|token)"
NAME = re.compile(NAMES, re.IGNORECASE)
IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@\"'\\]*):[^\s\"'\\]+@", re.IGNORECASE)
"""scheme://user:password@ ; a password may itself hold colons, slashes and at signs, so all up to the last is taken"""
KEY = re.compile(r"\bmspn_[0-9A-Za-z]{10,}")
"""a secret of a key; its first letters alone are shown to recognise it by"""
BEARER = re.compile(r"\b(bearer)\s+[^\s\"'\\,]+", re.IGNORECASE)
NAMED = re.compile(
    rf"""(?P<name>\b{NAMES}\b["'\\]*\s*[:=,]\s*)"""
    r"""(?:b?(?P<quote>\\?["'])(?:\\.|(?!(?P=quote)).)*(?P=quote)|(?:(?:bearer|basic)\s+)?[^\s"'\\,;&)}\]]+)""",
    re.IGNORECASE,
)
"""a name that says that a secret follows, and what follows: in JSON, in a header, in a query, in a tuple of bytes"""


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without secrets.

    Args:
        secrets: that are known by their letters.
    """
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, MASK)
    text = IN_URL.sub(rf"\1:{MASK}@", text)
    text = KEY.sub(f"mspn_{MASK}", text)
    text = NAMED.sub(rf"\g<name>{MASK}", text)
    return BEARER.sub(rf"\1 {MASK}", text)


def masked_value(value: Any, secrets: Iterable[str] = ()) -> Any:
    """A value of a line without secrets, in whatever it holds; what is no data is shown as text."""
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {str(name): MASK if NAME.fullmatch(str(name)) else masked_value(each, secrets)
                    for name, each in value.items()}  # fmt: skip
        case list() | tuple() | set() | frozenset():
            return [masked_value(each, secrets) for each in value]
        case _:
            return masked(str(value), secrets)
