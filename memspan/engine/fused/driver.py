"""What ties the loops together: optimiser steps of a population, and scoring, each as one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.fused.assembly import FLOAT, LANES, POINTER, WHOLE, Code
from memspan.engine.fused.readout import METRICS
from memspan.engine.fused.section import Section
from memspan.engine.fused.sheet import Field, Reader, above, below, joined, sent, tape
from memspan.engine.fused.unit import UNNAMED, Unit, unit


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


def training(parts: Parts) -> Unit:
    """``f(sheet)``: some optimiser steps of all members, group after group."""
    code = Code(UNNAMED, [POINTER])
    _groups(code, sorted(parts.forward, reverse=True), lambda: _Training(code, parts))
    return unit("training", code)


def scoring(parts: Parts) -> Unit:
    """``f(sheet)``: metrics of all members over sequences that they share."""
    code = Code(UNNAMED, [POINTER])
    _groups(code, sorted(parts.answer, reverse=True), lambda: _Scoring(code, parts))
    return unit("scoring", code)


def _groups(code: Code, sizes: Sequence[int], make: Any) -> None:
    """Members in groups of the largest size, then of the smaller ones."""
    members = Reader(code, code.arguments[0])[Field.MEMBERS]
    start: Any = WHOLE(0)
    for size in sizes:
        stop = code.plus(members, 1 - size)
        with code.loop(stop, start, size) as first:
            make().group([code.plus(first, index) for index in range(size)])
        whole = code.build.srem(code.build.sub(members, start), WHOLE(size))
        start = code.build.sub(members, whole)


Rows = tuple[Any, Any]
"""Where vectors of successive steps lie: the first step's address, and the stride."""


class _Driver:
    """Reads the sheet and calls the units for a group of members."""

    def __init__(self, code: Code, parts: Parts) -> None:
        self.code, self.parts = code, parts
        self.sheet = Reader(code, code.arguments[0])
        self.length = self.sheet[Field.LENGTH]
        self.top = len(parts.levels) - 1

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


class _Training(_Driver):
    def group(self, members: Sequence[Any]) -> None:
        """All steps of some members side by side."""
        code, sheet = self.code, self.sheet
        with code.loop(sheet[Field.STEPS]) as step:
            first = code.times(code.plus(sheet[Field.FIRST], step), sheet[Field.BATCH])
            count = code.smaller(sheet[Field.BATCH], code.build.sub(sheet[Field.COUNT], first))
            with code.loop(self.batches(count, LANES)) as block:
                start = code.times(block, LANES)
                lanes = code.smaller(code.build.sub(count, start), LANES)
                self._block(members, code.plus(first, start), lanes, self.scale(count))
            for stream, member in enumerate(members):
                self._descend(stream, member, step)

    def _block(self, members: Sequence[Any], first: Any, lanes: Any, scale: Any) -> None:
        """16 sequences of each member."""
        code, parts, sheet = self.code, self.parts, self.sheet
        for stream, member in enumerate(members):
            code.call(
                parts.gather.name, sheet.listed(Field.ORDERS, member), first, lanes,
                self.room(stream, Field.LANES_IN), sheet.listed(Field.INPUTS, member), sheet[Field.NUMBERS],
                self.room(stream, Field.LANES_TARGETS), sheet.listed(Field.TARGETS, member), sheet[Field.ANSWERS],
            )  # fmt: skip
        self._forward(members)
        for stream, member in enumerate(members):
            self._learn(stream, member, lanes, scale)
            self._backward(stream, member)

    def _ends(self, stream: int, layer: int, level: int) -> Rows:
        """A layer's outputs that are wanted, in the order in which it made them."""
        slot = self.parts.sections[layer].slot
        first = self.code.plus(self.code.build.sub(self.length, self.due(level)), 1)
        return self.code.vector_at(self.room(stream, tape(layer)), self.code.times(first, slot)), WHOLE(slot)

    def _outputs(self, stream: int, level: int) -> Rows:
        """A level's outputs that are wanted."""
        if len(self.parts.levels[level]) == 1:
            return self._ends(stream, self.parts.levels[level][0], level)
        return self.room(stream, joined(level)), WHOLE(self.width(level))

    def _inputs(self, stream: int, level: int) -> Rows:
        if level == 0:
            return self.room(stream, Field.LANES_IN), self.sheet[Field.CHANNELS]
        return self._outputs(stream, level - 1)

    def _forward(self, members: Sequence[Any]) -> None:
        streams = range(len(members))
        rows = [self.per_member(Field.ROWS, member) for member in members]
        for level, layers in enumerate(self.parts.levels):
            for layer in layers:
                below = [self.directed(layer, self._inputs(stream, level), self.length) for stream in streams]
                tapes = [self.room(stream, tape(layer)) for stream in streams]
                loop = self.parts.forward[len(members)][layer]
                addresses = [address for address, _ in below]
                self.code.call(loop.name, self.length, below[0][1], WHOLE(0), *addresses, *rows, *tapes)
            for stream in streams if len(layers) > 1 else ():
                self.join(stream, level, [self._ends(stream, layer, level) for layer in layers])

    def _learn(self, stream: int, member: Any, lanes: Any, scale: Any) -> None:
        parts, sheet = self.parts, self.sheet
        self.code.call(
            parts.learn.name, sheet[Field.DUE], *self._outputs(stream, self.top),
            self.room(stream, Field.LANES_TARGETS), self.per_member(Field.ROWS, member),
            self.room(stream, sent(self.top)), self.room(stream, Field.GRADIENTS), sheet.sums(member, METRICS), lanes,
            scale, sheet[Field.ANSWER_FROM],
        )  # fmt: skip

    def _backward(self, stream: int, member: Any) -> None:
        for level in reversed(range(len(self.parts.levels))):
            if len(self.parts.levels[level]) == 1:
                (layer,) = self.parts.levels[level]
                down = sent(level - 1) if level else Field.WORK
                self._back(stream, member, level, layer, sent(level), down)
            else:
                self._back_both(stream, member, level)

    def _back(self, stream: int, member: Any, level: int, layer: int, up: int, down: int) -> None:
        """One layer back through time, from the gradients in one part of the room to those in another."""
        inputs, stride = self.directed(layer, self._inputs(stream, level), self.length)
        self.code.call(
            self.parts.backward[layer].name, self.length, stride, inputs, self.per_member(Field.ROWS, member),
            self.room(stream, tape(layer)), self.room(stream, up), self.room(stream, down),
            self.room(stream, Field.GRADIENTS), self.room(stream, Field.WORK),
        )  # fmt: skip

    def _back_both(self, stream: int, member: Any, level: int) -> None:
        """Two directions: each gets its share of the gradients in its own order, and what they send down is added."""
        first, width, count = 0, WHOLE(self.width(level)), self.due(level)
        for side, layer in enumerate(self.parts.levels[level]):
            section = self.parts.sections[layer]
            share = self.code.vector_at(self.room(stream, sent(level)), first), width
            goal = self.room(stream, above(layer)), WHOLE(section.size)
            self.lay(self.parts.lay, count, section.size, self.directed(layer, share, count), goal)
            self._back(stream, member, level, layer, above(layer), below(layer))
            if level:
                source = self.room(stream, below(layer)), WHOLE(section.inputs)
                goal = self.room(stream, sent(level - 1)), WHOLE(section.inputs)
                how = self.parts.add if side else self.parts.lay
                self.lay(how, self.length, section.inputs, self.directed(layer, source, self.length), goal)
            first += section.size

    def _descend(self, stream: int, member: Any, step: Any) -> None:
        sheet = self.sheet
        self.code.call(
            self.parts.descent.name, sheet[Field.BLOCKS], self.per_member(Field.ROWS, member),
            self.per_member(Field.FIRST_MEMORY, member), self.per_member(Field.SECOND_MEMORY, member),
            self.room(stream, Field.GRADIENTS), sheet.address(Field.SETTINGS),
            sheet.listed_number(Field.RATES, step), sheet.listed_number(Field.SHRINKAGES, step),
        )  # fmt: skip


class _Scoring(_Driver):
    def group(self, members: Sequence[Any]) -> None:
        """All sequences, in lanes already, for some members side by side."""
        code, sheet = self.code, self.sheet
        with code.loop(self.batches(sheet[Field.COUNT], LANES)) as block:
            lanes = code.smaller(code.build.sub(sheet[Field.COUNT], code.times(block, LANES)), LANES)
            inputs = code.vector_at(sheet.listed(Field.INPUTS, 0), code.times(block, sheet[Field.NUMBERS]))
            self._answer(members, inputs)
            targets = code.vector_at(sheet.listed(Field.TARGETS, 0), code.times(block, sheet[Field.ANSWERS]))
            for stream, member in enumerate(members):
                self._measure(stream, member, targets, lanes)

    def _stride(self, level: int, layer: int) -> int:
        """Vectors between the outputs of two steps; 0 where only the last step's are wanted."""
        return self.parts.sections[layer].size if self.parts.every_step or level < self.top else 0

    def _ends(self, stream: int, layer: int, level: int) -> Rows:
        section = self.parts.sections[layer]
        first = section.states * section.size
        return self.code.vector_at(self.room(stream, tape(layer)), first), WHOLE(self._stride(level, layer))

    def _outputs(self, stream: int, level: int) -> Rows:
        if len(self.parts.levels[level]) == 1:
            return self._ends(stream, self.parts.levels[level][0], level)
        return self.room(stream, joined(level)), WHOLE(self.width(level))

    def _answer(self, members: Sequence[Any], inputs: Any) -> None:
        streams = range(len(members))
        rows = [self.per_member(Field.ROWS, member) for member in members]
        for level, layers in enumerate(self.parts.levels):
            for layer in layers:
                given = (inputs, self.sheet[Field.CHANNELS])
                sources = [self._outputs(stream, level - 1) if level else given for stream in streams]
                sources = [self.directed(layer, source, self.length) for source in sources]
                addresses, stride = [address for address, _ in sources], sources[0][1]
                rooms = [self.room(stream, tape(layer)) for stream in streams]
                loop = self.parts.answer[len(members)][layer]
                out_stride = WHOLE(self._stride(level, layer))
                self.code.call(loop.name, self.length, stride, out_stride, *addresses, *rows, *rooms)
            for stream in streams if len(layers) > 1 else ():
                self.join(stream, level, [self._ends(stream, layer, level) for layer in layers])

    def _measure(self, stream: int, member: Any, targets: Any, lanes: Any) -> None:
        parts, sheet = self.parts, self.sheet
        nothing = self.room(stream, Field.WORK)
        self.code.call(
            parts.measure.name, sheet[Field.DUE], *self._outputs(stream, self.top), targets,
            self.per_member(Field.ROWS, member), nothing, nothing, sheet.sums(member, METRICS), lanes, FLOAT(0),
            sheet[Field.ANSWER_FROM],
        )  # fmt: skip
