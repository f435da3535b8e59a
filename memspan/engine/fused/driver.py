"""What ties the loops together: optimiser steps of a population, and scoring, each as one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.fused.assembly import FLOAT, LANES, POINTER, WHOLE, Code
from memspan.engine.fused.readout import METRICS
from memspan.engine.fused.section import Section
from memspan.engine.fused.sheet import Field, Reader, above, tape
from memspan.engine.fused.unit import UNNAMED, Unit, unit


@dataclass(frozen=True)
class Parts:
    """The units of a network.

    Attributes:
        forward, answer: of each layer from the input upwards, by the number of members side by side.
        backward: of each layer.
    """

    sections: tuple[Section, ...]
    every_step: bool
    gather: Unit
    forward: dict[int, tuple[Unit, ...]]
    answer: dict[int, tuple[Unit, ...]]
    backward: tuple[Unit, ...]
    learn: Unit
    measure: Unit
    descent: Unit

    @property
    def units(self) -> tuple[Unit, ...]:
        many = [each for by_streams in (self.forward, self.answer) for units in by_streams.values() for each in units]
        return (self.gather, *many, *self.backward, self.learn, self.measure, self.descent)


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


class _Driver:
    """Reads the sheet and calls the units for a group of members."""

    def __init__(self, code: Code, parts: Parts) -> None:
        self.code, self.parts = code, parts
        self.sheet = Reader(code, code.arguments[0])
        self.length = self.sheet[Field.LENGTH]

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

    def _below(self, stream: int, layer: int) -> tuple[Any, Any]:
        """The inputs of a layer and their stride."""
        if layer == 0:
            return self.room(stream, Field.LANES_IN), self.sheet[Field.CHANNELS]
        slot = self.parts.sections[layer - 1].slot
        return self.code.vector_at(self.room(stream, tape(layer - 1)), slot), WHOLE(slot)

    def _forward(self, members: Sequence[Any]) -> None:
        streams = range(len(members))
        rows = [self.per_member(Field.ROWS, member) for member in members]
        for layer, loop in enumerate(self.parts.forward[len(members)]):
            below = [self._below(stream, layer) for stream in streams]
            tapes = [self.room(stream, tape(layer)) for stream in streams]
            inputs = [address for address, _ in below]
            self.code.call(loop.name, self.length, below[0][1], WHOLE(0), *inputs, *rows, *tapes)

    def _learn(self, stream: int, member: Any, lanes: Any, scale: Any) -> None:
        code, parts, sheet = self.code, self.parts, self.sheet
        last = len(parts.sections) - 1
        slot, due = parts.sections[last].slot, sheet[Field.DUE]
        first = code.plus(code.build.sub(self.length, due), 1)
        top = code.vector_at(self.room(stream, tape(last)), code.times(first, slot))
        code.call(
            parts.learn.name, due, top, WHOLE(slot), self.room(stream, Field.LANES_TARGETS),
            self.per_member(Field.ROWS, member), self.room(stream, above(last)), self.room(stream, Field.GRADIENTS),
            sheet.sums(member, METRICS), lanes, scale, sheet[Field.ANSWER_FROM],
        )  # fmt: skip

    def _backward(self, stream: int, member: Any) -> None:
        row = self.per_member(Field.ROWS, member)
        for layer in reversed(range(len(self.parts.sections))):
            inputs, stride = self._below(stream, layer)
            down = self.room(stream, above(layer - 1)) if layer else self.room(stream, Field.WORK)
            self.code.call(
                self.parts.backward[layer].name, self.length, stride, inputs, row, self.room(stream, tape(layer)),
                self.room(stream, above(layer)), down, self.room(stream, Field.GRADIENTS),
                self.room(stream, Field.WORK),
            )  # fmt: skip

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

    def _stride(self, layer: int) -> int:
        """Vectors between the outputs of two steps; 0 where only the last step's are wanted."""
        is_last = layer == len(self.parts.sections) - 1
        return self.parts.sections[layer].size if self.parts.every_step or not is_last else 0

    def _outputs(self, stream: int, layer: int) -> Any:
        section = self.parts.sections[layer]
        return self.code.vector_at(self.room(stream, tape(layer)), section.states * section.size)

    def _answer(self, members: Sequence[Any], inputs: Any) -> None:
        streams = range(len(members))
        rows = [self.per_member(Field.ROWS, member) for member in members]
        for layer, loop in enumerate(self.parts.answer[len(members)]):
            below = [self._outputs(stream, layer - 1) if layer else inputs for stream in streams]
            stride = WHOLE(self._stride(layer - 1)) if layer else self.sheet[Field.CHANNELS]
            rooms = [self.room(stream, tape(layer)) for stream in streams]
            self.code.call(loop.name, self.length, stride, WHOLE(self._stride(layer)), *below, *rows, *rooms)

    def _measure(self, stream: int, member: Any, targets: Any, lanes: Any) -> None:
        parts, sheet = self.parts, self.sheet
        last = len(parts.sections) - 1
        nothing = self.room(stream, Field.WORK)
        self.code.call(
            parts.measure.name, sheet[Field.DUE], self._outputs(stream, last), WHOLE(self._stride(last)), targets,
            self.per_member(Field.ROWS, member), nothing, nothing, sheet.sums(member, METRICS), lanes, FLOAT(0),
            sheet[Field.ANSWER_FROM],
        )  # fmt: skip
