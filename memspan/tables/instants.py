"""Instants: times as text become microseconds since 1970 in UTC. Imports pyarrow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
from numpy.typing import NDArray

from memspan.tables.table import NO_TIME

FORMATS = (
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%Y-%m",
)
"""that mean one day only, beside ISO 8601"""


def instants(words: Any, form: str | None) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The instants of an array of words, ``NO_TIME`` where there is none, and where a word is none.

    A time without a zone is taken as UTC.
    """
    if form is not None:
        return _by_format(words, form)
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return _numbers(compute.cast(words, kind)), np.zeros(len(words), dtype=bool)
        except pa.ArrowInvalid:
            continue
    for known in FORMATS:
        found, wrong = _by_format(words, known)
        if not wrong.any():
            return found, wrong
    return _one_by_one(words)


def _numbers(stamps: Any) -> NDArray[np.int64]:
    found: NDArray[np.int64] = stamps.cast(pa.int64()).fill_null(NO_TIME).to_numpy(zero_copy_only=False)
    return found


def _by_format(words: Any, form: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    stamps = compute.strptime(words, format=form, unit="us", error_is_null=True)
    wrong = compute.and_(compute.is_null(stamps), compute.is_valid(words))
    return _numbers(stamps), wrong.to_numpy(zero_copy_only=False)


def _one_by_one(words: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Slowly, as some are no times or have zones while others have none."""
    found = np.full(len(words), NO_TIME, dtype=np.int64)
    wrong = np.zeros(len(words), dtype=bool)
    for place, word in enumerate(words.to_pylist()):
        if word is None:
            continue
        try:
            found[place] = _microseconds(datetime.fromisoformat(word.strip()))
        except ValueError:
            wrong[place] = True
    return found, wrong


def _microseconds(when: datetime) -> int:
    moment = when if when.tzinfo else when.replace(tzinfo=UTC)
    passed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
