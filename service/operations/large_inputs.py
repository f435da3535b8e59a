"""Large inputs of predictions: millions of numbers, read piece by piece so that few of them are Python's at once.

A number takes four bytes in an array and forty as a Python object in a list.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic_core import from_json

from service.errors import BadRequest, FieldError, TooLarge
from service.operations.inputs import POINTER, array_of, refused

OPENING = re.compile(rb'\s*\{\s*"inputs"\s*:\s*(?=\[)')
PIECE_BYTES = 1 << 18
WINDOW_BYTES = 1 << 20
COMMA, OPEN, CLOSE = b",[]"


@dataclass
class LargeInputs:
    """A body ``{"inputs": [...]}`` of nested lists of numbers alone, not yet read; reading it lets its text go."""

    text: bytes
    start: int
    end: int

    @classmethod
    def of(cls, raw: bytes, usual: int) -> "LargeInputs":
        """The inputs within a body.

        Raises:
            TooLarge: it holds something else, too; of such bodies fewer values are read.
        """
        opening, rest = OPENING.match(raw), raw.rstrip()
        end = len(rest[:-1].rstrip()) if rest.endswith(b"}") else 0
        if opening is None or raw[end - 1 : end] != b"]" or raw.find(b'"', opening.end()) >= 0 or raw.count(b"{") > 1:
            raise TooLarge(
                f'The body holds up to {raw.count(b",") + 1} values; more than {usual} are read of {{"inputs": [...]}} '
                "with nested lists of numbers alone."
            )
        return cls(raw, opening.end(), end)

    def array(self, sequence_values: int) -> np.ndarray:
        """All of them as 32-bit floats, once.

        The request keeps these inputs until its answer has been sent, and a client may be slow to take that: twenty
        such texts would be 300 MB that no turn counts any more.

        Args:
            sequence_values: most numbers of one sequence.

        Raises:
            BadRequest: it is no JSON.
            Unprocessable: something is no finite number, or lists differ in length.
        """
        read: list[np.ndarray] = []
        first = 0
        for begin, end in self._pieces():
            self._check(begin, end, first, sequence_values)
            try:
                sequences = from_json(b"[" + self.text[begin:end] + b"]")
            except ValueError as reason:
                raise BadRequest(f"The body is not valid JSON behind byte {begin}: {reason}.") from None
            read.append(array_of(sequences, first, read[0].shape[1:] if read else None))
            first += len(sequences)
        self.text = b""
        return np.concatenate(read)

    @property
    def most_values(self) -> int:
        """How many numbers there are at most, by their commas."""
        return self.text.count(b",", self.start, self.end) + 1

    def _check(self, begin: int, end: int, first: int, sequence_values: int) -> None:
        """Refuse a piece with a sequence that is longer than all that may be."""
        most = PIECE_BYTES + 2 * sequence_values
        if max(self.text.count(b",", begin, end), self.text.count(b"[", begin, end)) > most:
            message = f"A sequence may hold at most {sequence_values} numbers here; this one holds more."
            raise refused([FieldError(f"{POINTER}/{first}", "too_long", message)])

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Where pieces of whole sequences begin and end: at commas that stand in the outermost list alone."""
        last, depth = self.start + 1, 0
        for offset in range(self.start, self.end, WINDOW_BYTES):
            count = min(WINDOW_BYTES, self.end - offset)
            letters = np.frombuffer(self.text, np.uint8, count, offset)
            depths = depth + np.cumsum((letters == OPEN).astype(np.int32) - (letters == CLOSE), dtype=np.int32)
            cuts = np.flatnonzero((letters == COMMA) & (depths == 1)) + offset
            while (place := np.searchsorted(cuts, last + PIECE_BYTES)) < len(cuts):
                yield last, int(cuts[place])
                last = int(cuts[place]) + 1
            depth = int(depths[-1])
        yield last, self.end - 1
