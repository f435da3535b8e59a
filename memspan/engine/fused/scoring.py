"""Scoring of a population as one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import FLOAT, LANES, POINTER, WHOLE, Code
from memspan.engine.fused.driver import Driver, Parts, Rows, groups
from memspan.engine.fused.readout import METRICS
from memspan.engine.fused.sheet import Field, tape
from memspan.engine.fused.unit import UNNAMED, Unit, unit


def scoring(parts: Parts) -> Unit:
    """``f(sheet)``: metrics of all members over sequences that they share."""
    code = Code(UNNAMED, [POINTER])
    groups(code, parts.answer, lambda: _Scoring(code, parts))
    return unit("scoring", code)


class _Scoring(Driver):
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

    def ends(self, stream: int, layer: int, level: int) -> Rows:
        section = self.parts.sections[layer]
        first = section.states * section.size
        return self.code.vector_at(self.room(stream, tape(layer)), first), WHOLE(self._stride(level, layer))

    def _answer(self, members: Sequence[Any], inputs: Any) -> None:
        streams = range(len(members))
        rows = [self.per_member(Field.ROWS, member) for member in members]
        for level, layers in enumerate(self.parts.levels):
            for layer in layers:
                given = (inputs, self.sheet[Field.CHANNELS])
                sources = [self.outputs(stream, level - 1) if level else given for stream in streams]
                sources = [self.directed(layer, source, self.length) for source in sources]
                addresses, stride = [address for address, _ in sources], sources[0][1]
                rooms = [self.room(stream, tape(layer)) for stream in streams]
                loop = self.parts.answer[len(members)][layer]
                out_stride = WHOLE(self._stride(level, layer))
                self.code.call(loop.name, self.length, stride, out_stride, *addresses, *rows, *rooms)
            for stream in streams if len(layers) > 1 else ():
                self.join(stream, level, [self.ends(stream, layer, level) for layer in layers])

    def _measure(self, stream: int, member: Any, targets: Any, lanes: Any) -> None:
        parts, sheet = self.parts, self.sheet
        nothing = self.room(stream, Field.WORK)
        self.code.call(
            parts.measure.name, sheet[Field.DUE], *self.outputs(stream, self.top), targets,
            self.per_member(Field.ROWS, member), nothing, nothing, sheet.sums(member, METRICS), lanes, FLOAT(0),
            sheet[Field.ANSWER_FROM],
        )  # fmt: skip
