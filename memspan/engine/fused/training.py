"""Optimiser steps of a population as one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.arguments import Field, above, below, sent, tape
from memspan.engine.fused.assembly import Code
from memspan.engine.fused.driver import Driver, Kernels, Strided, groups
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import POINTER, WHOLE
from memspan.engine.fused.readout import METRICS


def training(kernels: Kernels) -> Kernel:
    """``f(arguments)``: some optimiser steps of all members, group after group."""
    code = Code(UNNAMED, [POINTER])
    groups(code, kernels.forward, lambda: _Training(code, kernels))
    return kernel("training", code)


class _Training(Driver):
    def group(self, members: Sequence[Any]) -> None:
        """All steps of some members side by side."""
        code, arguments = self.code, self.arguments
        with code.loop(arguments[Field.STEPS]) as step:
            first = code.times(code.plus(arguments[Field.FIRST], step), arguments[Field.BATCH])
            count = code.smaller(arguments[Field.BATCH], code.build.sub(arguments[Field.COUNT], first))
            with code.loop(self.batches(count, LANES)) as block:
                start = code.times(block, LANES)
                lanes = code.smaller(code.build.sub(count, start), LANES)
                self._block(members, code.plus(first, start), lanes, self.scale(count))
            for stream, member in enumerate(members):
                self._descend(stream, member, step)

    def _block(self, members: Sequence[Any], first: Any, lanes: Any, scale: Any) -> None:
        """16 sequences of each member."""
        code, kernels, arguments = self.code, self.kernels, self.arguments
        for stream, member in enumerate(members):
            code.call(
                kernels.gather.name, arguments.listed(Field.ORDERS, member), first, lanes,
                self.workspace(stream, Field.LANES_IN),
                arguments.listed(Field.INPUTS, member), arguments[Field.NUMBERS],
                self.workspace(stream, Field.LANES_TARGETS),
                arguments.listed(Field.TARGETS, member), arguments[Field.ANSWERS],
            )  # fmt: skip
        self._forward(members)
        for stream, member in enumerate(members):
            self._learn(stream, member, lanes, scale)
            self._backward(stream, member)

    def ends(self, stream: int, layer: int, level: int) -> Strided:
        """A layer's outputs that are wanted, in the order in which it made them."""
        slot = self.kernels.layouts[layer].step_vectors
        first = self.code.plus(self.code.build.sub(self.length, self.due(level)), 1)
        return self.code.vector_at(self.workspace(stream, tape(layer)), self.code.times(first, slot)), WHOLE(slot)

    def _inputs(self, stream: int, level: int) -> Strided:
        if level == 0:
            return self.workspace(stream, Field.LANES_IN), self.arguments[Field.CHANNELS]
        return self.outputs(stream, level - 1)

    def _forward(self, members: Sequence[Any]) -> None:
        streams = range(len(members))
        rows = [self.per_member(Field.ROWS, member) for member in members]
        for level, layers in enumerate(self.kernels.levels):
            for layer in layers:
                below = [self.directed(layer, self._inputs(stream, level), self.length) for stream in streams]
                tapes = [self.workspace(stream, tape(layer)) for stream in streams]
                loop = self.kernels.forward[len(members)][layer]
                addresses = [address for address, _ in below]
                self.code.call(loop.name, self.length, below[0][1], WHOLE(0), *addresses, *rows, *tapes)
            for stream in streams if len(layers) > 1 else ():
                self.join(stream, level, [self.ends(stream, layer, level) for layer in layers])

    def _learn(self, stream: int, member: Any, lanes: Any, scale: Any) -> None:
        kernels, arguments = self.kernels, self.arguments
        self.code.call(
            kernels.learn.name, arguments[Field.DUE], *self.outputs(stream, self.top),
            self.workspace(stream, Field.LANES_TARGETS), self.per_member(Field.ROWS, member),
            self.workspace(stream, sent(self.top)), self.workspace(stream, Field.GRADIENTS),
            arguments.sums(member, METRICS), lanes, scale, arguments[Field.ANSWER_FROM],
        )  # fmt: skip

    def _backward(self, stream: int, member: Any) -> None:
        for level in reversed(range(len(self.kernels.levels))):
            if len(self.kernels.levels[level]) == 1:
                (layer,) = self.kernels.levels[level]
                down = sent(level - 1) if level else Field.SCRATCH
                self._back(stream, member, level, layer, sent(level), down)
            else:
                self._back_both(stream, member, level)

    def _back(self, stream: int, member: Any, level: int, layer: int, up: int, down: int) -> None:
        """One layer back through time, from the gradients in one part of the workspace to those in another."""
        inputs, stride = self.directed(layer, self._inputs(stream, level), self.length)
        self.code.call(
            self.kernels.backward[layer].name, self.length, stride, inputs, self.per_member(Field.ROWS, member),
            self.workspace(stream, tape(layer)), self.workspace(stream, up), self.workspace(stream, down),
            self.workspace(stream, Field.GRADIENTS), self.workspace(stream, Field.SCRATCH),
        )  # fmt: skip

    def _back_both(self, stream: int, member: Any, level: int) -> None:
        """Two directions: each gets its share of the gradients in its own order, and what they send down is added."""
        first, width, count = 0, WHOLE(self.width(level)), self.due(level)
        for side, layer in enumerate(self.kernels.levels[level]):
            layout = self.kernels.layouts[layer]
            share = self.code.vector_at(self.workspace(stream, sent(level)), first), width
            goal = self.workspace(stream, above(layer)), WHOLE(layout.size)
            self.move(self.kernels.copy_rows, count, layout.size, self.directed(layer, share, count), goal)
            self._back(stream, member, level, layer, above(layer), below(layer))
            if level:
                source = self.workspace(stream, below(layer)), WHOLE(layout.inputs)
                goal = self.workspace(stream, sent(level - 1)), WHOLE(layout.inputs)
                how = self.kernels.add_rows if side else self.kernels.copy_rows
                self.move(how, self.length, layout.inputs, self.directed(layer, source, self.length), goal)
            first += layout.size

    def _descend(self, stream: int, member: Any, step: Any) -> None:
        code, arguments = self.code, self.arguments
        blocks = arguments[Field.BLOCKS]
        of_step = code.at(arguments.address(Field.OF_STEPS), code.times(step, arguments[Field.OF_EACH_STEP]))
        code.call(
            self.kernels.descent.name, blocks, self.per_member(Field.ROWS, member),
            self.per_member(Field.SLOTS, member), code.times(arguments[Field.MEMBERS], blocks),
            self.workspace(stream, Field.GRADIENTS), arguments.address(Field.CONSTANTS), of_step,
        )  # fmt: skip
