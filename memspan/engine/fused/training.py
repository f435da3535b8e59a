"""Optimiser steps of a population as one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import LANES, POINTER, WHOLE, Code
from memspan.engine.fused.driver import Driver, Parts, Rows, groups
from memspan.engine.fused.readout import METRICS
from memspan.engine.fused.sheet import Field, above, below, sent, tape
from memspan.engine.fused.unit import UNNAMED, Unit, unit


def training(parts: Parts) -> Unit:
    """``f(sheet)``: some optimiser steps of all members, group after group."""
    code = Code(UNNAMED, [POINTER])
    groups(code, parts.forward, lambda: _Training(code, parts))
    return unit("training", code)


class _Training(Driver):
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

    def ends(self, stream: int, layer: int, level: int) -> Rows:
        """A layer's outputs that are wanted, in the order in which it made them."""
        slot = self.parts.sections[layer].slot
        first = self.code.plus(self.code.build.sub(self.length, self.due(level)), 1)
        return self.code.vector_at(self.room(stream, tape(layer)), self.code.times(first, slot)), WHOLE(slot)

    def _inputs(self, stream: int, level: int) -> Rows:
        if level == 0:
            return self.room(stream, Field.LANES_IN), self.sheet[Field.CHANNELS]
        return self.outputs(stream, level - 1)

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
                self.join(stream, level, [self.ends(stream, layer, level) for layer in layers])

    def _learn(self, stream: int, member: Any, lanes: Any, scale: Any) -> None:
        parts, sheet = self.parts, self.sheet
        self.code.call(
            parts.learn.name, sheet[Field.DUE], *self.outputs(stream, self.top),
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
