"""What ties the loops together: the way of members, sequences and levels through the units."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.fused.assembly import FLOAT, WHOLE, Code
from memspan.engine.fused.section import Section
from memspan.engine.fused.sheet import Field, Reader, joined
from memspan.engine.fused.unit import Unit


@dataclass(frozen=True)
class Parts:
    """The units of a network.

    Attributes:
        forward, answer: of each layer from the input upwards, by the number of members side by side.
        backward: of each layer.
        levels: numbers of the layers that stand side by side, from the input upwards.
        lay, add: copy rows of vectors, or add them.
    """

    sections: tuple[Section, ...]
    levels: tuple[tuple[int, ...], ...]
    every_step: bool
    gather: Unit
    forward: dict[int, tuple[Unit, ...]]
    answer: dict[int, tuple[Unit, ...]]
    backward: tuple[Unit, ...]
    learn: Unit
    measure: Unit
    descent: Unit
    lay: Unit
    add: Unit

    @property
    def units(self) -> tuple[Unit, ...]:
        many = [each for by_streams in (self.forward, self.answer) for units in by_streams.values() for each in units]
        return (self.gather, *many, *self.backward, self.learn, self.measure, self.descent, self.lay, self.add)


def groups(code: Code, sizes: Iterable[int], make: Callable[[], Driver]) -> None:
    """Members in groups of the largest size, then of the smaller ones."""
    members = Reader(code, code.arguments[0])[Field.MEMBERS]
    start: Any = WHOLE(0)
    for size in sorted(sizes, reverse=True):
        stop = code.plus(members, 1 - size)
        with code.loop(stop, start, size) as first:
            make().group([code.plus(first, index) for index in range(size)])
        whole = code.build.srem(code.build.sub(members, start), WHOLE(size))
        start = code.build.sub(members, whole)


Rows = tuple[Any, Any]
"""Where vectors of successive steps lie: the first step's address, and the stride."""


class Driver:
    """Reads the sheet and calls the units for a group of members."""

    def __init__(self, code: Code, parts: Parts) -> None:
        self.code, self.parts = code, parts
        self.sheet = Reader(code, code.arguments[0])
        self.length = self.sheet[Field.LENGTH]
        self.top = len(parts.levels) - 1

    @abstractmethod
    def group(self, members: Sequence[Any]) -> None:
        """All that is to be done for some members side by side."""

    @abstractmethod
    def ends(self, stream: int, layer: int, level: int) -> Rows:
        """A layer's outputs that are wanted, in the order in which it made them."""

    def room(self, stream: int, field: int) -> Any:
        """An address in a stream's room."""
        code, sheet = self.code, self.sheet
        start = code.plus(code.times(sheet[Field.ROOM_SIZE], WHOLE(stream)), sheet[field])
        return code.vector_at(sheet.address(Field.ROOM), start)

    def per_member(self, field: int, member: Any) -> Any:
        """A member's blocks of 16 numbers."""
        code, sheet = self.code, self.sheet
        return code.vector_at(sheet.address(field), code.times(member, sheet[Field.BLOCKS]))

    def batches(self, total: Any, size: int) -> Any:
        """How many times a size goes into a total, rounded up."""
        return self.code.build.sdiv(self.code.plus(total, size - 1), WHOLE(size))

    def scale(self, count: Any) -> Any:
        """1 / (sequences x answers of each)."""
        code = self.code
        answers = code.build.sitofp(code.times(count, self.sheet[Field.DUE]), FLOAT)
        return code.build.fdiv(FLOAT(1), answers)

    def width(self, level: int) -> int:
        """Outputs of a level."""
        return sum(self.parts.sections[layer].size for layer in self.parts.levels[level])

    def due(self, level: int) -> Any:
        """Steps whose outputs somebody wants: all, or of the top level those that answer."""
        return self.length if level < self.top else self.sheet[Field.DUE]

    def turned(self, rows: Rows, count: Any) -> Rows:
        """The same rows from the last to the first."""
        address, stride = rows
        stride = self.code.times(stride, 1)
        last = self.code.times(self.code.plus(count, -1), stride)
        return self.code.vector_at(address, last), self.code.build.neg(stride)

    def directed(self, layer: int, rows: Rows, count: Any) -> Rows:
        """Rows in the order in which a layer goes through them."""
        return self.turned(rows, count) if self.parts.sections[layer].reverse else rows

    def lay(self, how: Unit, count: Any, columns: int, source: Rows, goal: Rows) -> None:
        """Copy or add some rows of vectors."""
        self.code.call(how.name, count, WHOLE(columns), *source, *goal)

    def join(self, stream: int, level: int, sides: Sequence[Rows]) -> None:
        """Put the outputs of two directions side by side, each at its own place in time.

        Where only the last step answers, each side gives what it ends with.
        """
        count, first, width = self.due(level), 0, WHOLE(self.width(level))
        for layer, rows in zip(self.parts.levels[level], sides, strict=True):
            size = self.parts.sections[layer].size
            goal = self.code.vector_at(self.room(stream, joined(level)), first), width
            self.lay(self.parts.lay, count, size, self.directed(layer, rows, count), goal)
            first += size

    def outputs(self, stream: int, level: int) -> Rows:
        """A level's outputs that are wanted."""
        if len(self.parts.levels[level]) == 1:
            return self.ends(stream, self.parts.levels[level][0], level)
        return self.room(stream, joined(level)), WHOLE(self.width(level))
