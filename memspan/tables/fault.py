"""Faults: what is wrong with a file of a user, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SHOWN = 60
"""characters of what was given that are repeated to whoever gave it"""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        code: its kind, e.g. ``not_a_number``.
        row: 1 is the first row of numbers, below the header; None where it isn't about a row.
        column: its name; None where it isn't about a column.
        given: what stands there, shortened.
    """

    code: str
    message: str
    row: int | None = None
    column: str | None = None
    given: str | None = None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "code": self.code,
            "message": self.message,
            "row": self.row,
            "column": self.column,
            "given": self.given,
        }

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                f"row {self.row}" if self.row is not None else "",
                f"column {self.column!r}" if self.column is not None else "",
            )
            if part
        )
        return f"{place}: {self.message}" if place else self.message


class Unreadable(Exception):
    """A file can't be understood; ``faults`` has all that was found, ``total`` how many there are."""

    def __init__(self, faults: Iterable[Fault], total: int | None = None) -> None:
        self.faults = tuple(faults)
        self.total = len(self.faults) if total is None else total
        more = f" (and {self.total - 1} more)" if self.total > 1 else ""
        super().__init__(f"{self.faults[0]}{more}")


def refused(code: str, message: str, column: str | None = None, given: str | None = None) -> Unreadable:
    """The refusal of a file for one reason."""
    sentence = message if message.endswith((".", "?")) else message + "."
    return Unreadable([Fault(code, sentence, column=column, given=shortened(given) if given is not None else None)])


def shortened(given: str) -> str:
    """What was given, as far as it fits a message."""
    return given if len(given) <= SHOWN else given[: SHOWN - 3] + "..."


class Faults:
    """Collects the first faults and counts all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: list[Fault] = []
        self.total = 0

    def add(self, fault: Fault) -> None:
        self.total += 1
        if len(self._found) < self._most:
            self._found.append(fault)

    def count(self, more: int) -> None:
        """Some that are not told one by one."""
        self.total += more

    @property
    def room(self) -> int:
        """How many more will be told."""
        return self._most - len(self._found)

    @property
    def found(self) -> tuple[Fault, ...]:
        """Ordered by row; what is about no row comes first."""
        return tuple(sorted(self._found, key=lambda fault: fault.row or 0))

    def refuse(self) -> None:
        """Raise Unreadable if there is one."""
        if self.total:
            raise Unreadable(self.found, self.total)
