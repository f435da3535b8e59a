"""Columns that grow batch by batch, while a file is read. Imports pyarrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
from numpy.typing import NDArray

from memspan.tables.caps import Caps
from memspan.tables.fault import Fault, Faults, shortened
from memspan.tables.instants import instants
from memspan.tables.table import NO_TIME, Column, ColumnType, Values

MISSING = (
    "",
    "NA",
    "N/A",
    "n/a",
    "na",
    "NaN",
    "nan",
    "NAN",
    "null",
    "NULL",
    "Null",
    "None",
    "none",
    "#N/A",
    "-",
    "?",
    ".",
)
"""words that stand for a value that isn't there"""
MOSTLY = 0.5
"""of a column's first values: so many are numbers where text among them is a mistake"""
EXPECTED = {
    "number": "Expected a number (decimal mark {mark!r}, nothing between thousands) as elsewhere in the column; say "
    "`types` if it is a category.",
    "time": "Expected a time as elsewhere in the column; say `time_format` if it is written in another way.",
}


class GrowingColumn:
    """A column whose type is that of its first values, unless it was said."""

    def __init__(
        self,
        name: str,
        caps: Caps,
        faults: Faults,
        kind: ColumnType | None,
        decimal: str = ".",
        form: str | None = None,
    ) -> None:
        self.name = name
        self._caps, self._faults = caps, faults
        self._kind, self._decimal, self._form = kind, decimal, form
        self._pieces: list[Values] = []
        self._levels: dict[str, int] = {}
        self._rows = 0

    def add_words(self, words: Any) -> None:
        """The next values as an array of strings, null where one is missing."""
        if self._kind is None:
            self._kind = self._seen(words)
        if self._kind is None:
            self._blank(len(words))
        elif self._kind == "number":
            self._add(*self._numbers(words), words)
        elif self._kind == "time":
            self._add(*instants(words, self._form), words)
        else:
            self.add_categories(words.dictionary_encode())
            return
        self._rows += len(words)

    def add_numbers(self, numbers: NDArray[np.float64]) -> None:
        """The next values, NaN where one is missing."""
        self._kind = "number"
        self._check_finite(numbers)
        self._pieces.append(numbers)
        self._rows += len(numbers)

    def add_instants(self, moments: NDArray[np.int64]) -> None:
        self._kind = "time"
        self._pieces.append(moments)
        self._rows += len(moments)

    def add_categories(self, encoded: Any) -> None:
        """The next values as an array of pyarrow's dictionary type; with too many or too long words they are text."""
        self._kind = self._kind or "category"
        self._rows += len(encoded)
        if self._kind == "text" or self._is_varied(encoded.dictionary):
            self._kind, self._pieces, self._levels = "text", [], {}
            return
        self._refuse_line_breaks(encoded)
        known = self._levels
        places = [known.setdefault(word, len(known)) for word in encoded.dictionary.to_pylist()]
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        self._pieces = self._of_type(np.array([*places, -1], dtype=np.int32)[codes])

    def _refuse_line_breaks(self, encoded: Any) -> None:
        """A word over several lines swallowed rows: its quotation mark was meant otherwise, or never closed."""
        broken = compute.match_substring(encoded.dictionary, "\n")
        if not compute.any(broken).as_py():
            return
        at = compute.index(encoded.indices, broken.index(True).as_py()).as_py()
        given = shortened(encoded.dictionary[broken.index(True).as_py()].as_py())
        message = "Goes on over a line's end: is a quotation mark never closed?"
        self._faults.add(Fault("line_break", message, self._rows - len(encoded) + at + 1, self.name, given))

    def _is_varied(self, words: Any) -> bool:
        longest = compute.max(compute.binary_length(words)).as_py() or 0
        return longest > self._caps.word_bytes or len(self._levels) + len(words) > 2 * self._caps.levels

    def finished(self) -> Column:
        """The column as a whole; what is a column without any value is a number."""
        if len(self._levels) > self._caps.levels:
            self._kind, self._pieces = "text", []
        empty = {"time": np.int64, "category": np.int32}.get(self._kind or "number", np.float64)
        values = np.concatenate(self._pieces) if self._pieces else np.empty(0, dtype=empty)
        self._pieces = []
        levels = tuple(self._levels) if self._kind == "category" else ()
        return Column(self.name, self._kind or "number", values, levels)

    def _seen(self, words: Any) -> ColumnType | None:
        """The type that most of the first values have; None where all are missing."""
        there = words.drop_null()
        if not len(there):
            return None
        sample = there.slice(0, 10_000)
        if 1 - self._numbers(sample)[1].mean() >= MOSTLY:
            return "number"
        return "time" if 1 - instants(sample, self._form)[1].mean() >= MOSTLY else "category"

    def _blank(self, count: int) -> None:
        """Values of a column that has shown none yet; they turn out to be of its type."""
        self._pieces.append(np.full(count, np.nan))

    def _numbers(self, words: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The numbers, NaN where there is none, and where a word is none."""
        plain = words if self._decimal == "." else _with_points(words)
        try:
            found = compute.cast(plain, pa.float64())
        except pa.ArrowInvalid:
            plain = compute.utf8_trim_whitespace(plain)
            right = compute.match_substring_regex(
                plain, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf(inity)?)$"
            )
            missing = compute.is_in(plain, value_set=pa.array(MISSING))
            found = compute.cast(
                compute.if_else(compute.and_(right, compute.invert(missing)), plain, None), pa.float64()
            )
            wrong = compute.and_not(compute.is_valid(words), compute.or_(compute.fill_null(right, True), missing))
            return _filled(found), wrong.fill_null(False).to_numpy(zero_copy_only=False)
        return _filled(found), np.zeros(len(words), dtype=bool)

    def _add(self, values: Values, wrong: NDArray[np.bool_], words: Any) -> None:
        if wrong.any():
            self._tell(np.flatnonzero(wrong), words)
        if values.dtype == np.float64:
            self._check_finite(values)
        self._pieces = self._of_type(values)

    def _of_type(self, values: Values) -> list[Values]:
        """With what was blank before the first value as the type has it."""
        blank = {"int64": NO_TIME, "int32": -1}.get(values.dtype.name)
        if blank is None or not self._pieces or self._pieces[0].dtype != np.float64:
            return [*self._pieces, values]
        return [*(np.full(len(piece), blank, dtype=values.dtype) for piece in self._pieces), values]

    def _tell(self, places: NDArray[np.intp], words: Any) -> None:
        """Faults at some places of a batch."""
        message = EXPECTED[str(self._kind)].format(mark=self._decimal)
        told = places[: max(self._faults.room, 0)]
        code = "not_a_number" if self._kind == "number" else "not_a_time"
        for place in told:
            given = shortened(str(words[int(place)].as_py()))
            self._faults.add(Fault(code, message, self._rows + int(place) + 1, self.name, given))
        self._faults.count(len(places) - len(told))

    def _check_finite(self, numbers: NDArray[np.float64]) -> None:
        """Infinite numbers are refused; what is missing may be."""
        places = np.flatnonzero(np.isinf(numbers))
        told = places[: max(self._faults.room, 0)]
        message = "Must be finite; leave it empty where it is missing."
        for place in told:
            row = self._rows + int(place) + 1
            self._faults.add(Fault("not_finite", message, row, self.name, str(numbers[place])))
        self._faults.count(len(places) - len(told))


def _with_points(words: Any) -> Any:
    """Decimal commas as points; a word that has a point is no number, so it keeps what makes it none."""
    odd = compute.match_substring(words, ".")
    marked = compute.replace_substring(words, pattern=",", replacement=".")
    return compute.if_else(odd, compute.binary_join_element_wise(words, "!", ""), marked)


def _filled(numbers: Any) -> NDArray[np.float64]:
    found: NDArray[np.float64] = numbers.fill_null(np.nan).to_numpy(zero_copy_only=False)
    return found
