"""Scoring of a population as one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.arguments import Field, tape
from memspan.engine.fused.assembly import Code
from memspan.engine.fused.driver import Driver, Kernels, Strided, groups
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import FLOAT, POINTER, WHOLE
from memspan.engine.fused.readout import METRICS


def scoring(kernels: Kernels) -> Kernel:
    """``f(arguments)``: metrics of all members over sequences that they share."""
    code = Code(UNNAMED, [POINTER])
    groups(code, kernels.answer, lambda: _Scoring(code, kernels))
    return kernel("scoring", code)


class _Scoring(Driver):
    def group(self, members: Sequence[Any]) -> None:
        """All sequences, in lanes already, for some members side by side."""
        code, arguments = self.code, self.arguments
        with code.loop(self.batches(arguments[Field.COUNT], LANES)) as block:
            lanes = code.smaller(code.build.sub(arguments[Field.COUNT], code.times(block, LANES)), LANES)
            inputs = code.vector_at(arguments.listed(Field.INPUTS, 0), code.times(block, arguments[Field.NUMBERS]))
            self._answer(members, inputs)
            targets = code.vector_at(arguments.listed(Field.TARGETS, 0), code.times(block, arguments[Field.ANSWERS]))
            for stream, member in enumerate(members):
                self._measure(stream, member, targets, lanes)

    def _stride(self, level: int, layer: int) -> int:
        """Vectors between the outputs of two steps; 0 where only the last step's are wanted."""
        return self.kernels.layouts[layer].size if self.kernels.every_step or level < self.top else 0

    def ends(self, stream: int, layer: int, level: int) -> Strided:
        layout = self.kernels.layouts[layer]
        first = layout.states * layout.size
        return self.code.vector_at(self.workspace(stream, tape(layer)), first), WHOLE(self._stride(level, layer))

    def _answer(self, members: Sequence[Any], inputs: Any) -> None:
        streams = range(len(members))
        rows = [self.per_member(Field.ROWS, member) for member in members]
        for level, layers in enumerate(self.kernels.levels):
            for layer in layers:
                given = (inputs, self.arguments[Field.CHANNELS])
                sources = [self.outputs(stream, level - 1) if level else given for stream in streams]
                sources = [self.directed(layer, source, self.length) for source in sources]
                addresses, stride = [address for address, _ in sources], sources[0][1]
                spaces = [self.workspace(stream, tape(layer)) for stream in streams]
                loop = self.kernels.answer[len(members)][layer]
                out_stride = WHOLE(self._stride(level, layer))
                self.code.call(loop.name, self.length, stride, out_stride, *addresses, *rows, *spaces)
            for stream in streams if len(layers) > 1 else ():
                self.join(stream, level, [self.ends(stream, layer, level) for layer in layers])

    def _measure(self, stream: int, member: Any, targets: Any, lanes: Any) -> None:
        kernels, arguments = self.kernels, self.arguments
        nothing = self.workspace(stream, Field.SCRATCH)
        self.code.call(
            kernels.measure.name, arguments[Field.DUE], *self.outputs(stream, self.top), targets,
            self.per_member(Field.ROWS, member), nothing, nothing, arguments.sums(member, METRICS), lanes, FLOAT(0),
            arguments[Field.ANSWER_FROM],
        )  # fmt: skip
