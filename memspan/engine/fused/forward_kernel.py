"""The kernel of a layer forwards through time, unrolled or rolled: pre-activations, and a unit's step from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.cell_step import new_states
from memspan.engine.fused.layout import UNROLLED_INPUTS, LayerLayout
from memspan.engine.fused.llvm_types import VECTOR
from memspan.engine.fused.weights import BroadcastWeights, offset_by


@dataclass(frozen=True)
class Stream:
    """One of the members side by side: the address of its inputs, its weights, and the address that its loop fills."""

    x: Any
    weights: BroadcastWeights
    out: Any


class ForwardKernel(ABC):
    """A layer's loop forwards, in the making; see ``loops.forward`` for the kernel that it is."""

    def __init__(self, code: Code, layout: LayerLayout, streams: int, taped: bool) -> None:
        self.code, self.layout, self.taped = code, layout, taped
        self.length, self.x_stride, self.out_stride = code.arguments[:3]
        addresses = code.arguments[3:]
        inputs, rows, outs = (addresses[part * streams : (part + 1) * streams] for part in range(3))
        weights = [BroadcastWeights(code, layout, row) for row in rows]
        self.streams = [Stream(*each) for each in zip(inputs, weights, outs, strict=True)]

    @abstractmethod
    def write(self) -> None:
        """Write the loop."""

    @abstractmethod
    def stored(self) -> Sequence[int]:
        """The nodes of a step that are stored one behind the other, H vectors each."""

    def taped_at(self, stream: Stream, now: Any) -> Any:
        """Where on the tape the states before a step lie."""
        return self.code.vector_at(stream.out, self.code.times(now, self.layout.step_vectors))

    def inputs(self, stream: Stream, now: Any) -> list[Any]:
        """The inputs of a step; none for a layer with many."""
        code, layout = self.code, self.layout
        if layout.inputs > UNROLLED_INPUTS:
            return []
        base = code.times(now, self.x_stride)
        return [code.load(stream.x, code.plus(base, channel)) for channel in range(layout.inputs)]

    def gates(self, stream: Stream, unit: Any, x: Sequence[Any], h: Sequence[Any], address: Any = None) -> list[Any]:
        """Pre-activations of a unit, in the order in which the pointwise part takes them.

        Args:
            x: inputs, none for a layer with many: they are read from ``address``.
            h: old outputs.
        """
        layout, gates = self.layout, range(self.layout.gates)
        sums = [self._from_below(stream, gate, unit, x) for gate in gates]
        if not x and layout.inputs:
            sums = self._from_many(stream, unit, sums, address)
        if layout.recurrent_weights is None:
            return sums
        if layout.joined:
            return [self._from_state(stream, gate, unit, h, sums[gate]) for gate in gates]
        biases = [self._recurrent_bias(stream, gate, unit) for gate in gates]
        return sums + [self._from_state(stream, gate, unit, h, biases[gate]) for gate in gates]

    def _from_below(self, stream: Stream, gate: int, unit: Any, x: Sequence[Any]) -> Any:
        """b + W x of one gate of one unit."""
        code, layout, weights = self.code, self.layout, stream.weights
        column = offset_by(code, gate * layout.size, unit)
        total = weights(layout.bias, column)
        if layout.recurrent_bias is not None and layout.joined:
            total = code.add(total, weights(layout.recurrent_bias, column))
        for channel, value in enumerate(x):
            total = code.fma(weights(layout.input_weights + channel * layout.width, column), value, total)
        return total

    def _from_many(self, stream: Stream, unit: Any, sums: Sequence[Any], address: Any) -> list[Any]:
        """W x of many channels, by a loop over them."""
        code, layout = self.code, self.layout
        totals = [code.variable(VECTOR, each) for each in sums]
        with code.loop(layout.inputs) as channel:
            value = code.load(address, channel)
            for gate, total in enumerate(totals):
                offset = code.plus(code.times(channel, layout.width), gate * layout.size, unit)
                code.set(total, code.fma(stream.weights(layout.input_weights, offset), value, code.get(total)))
        return [code.get(total) for total in totals]

    def _recurrent_bias(self, stream: Stream, gate: int, unit: Any) -> Any:
        """b' of a cell whose two products are kept separate."""
        if self.layout.recurrent_bias is None:
            return self.code.number(0)
        return stream.weights(self.layout.recurrent_bias, offset_by(self.code, gate * self.layout.size, unit))

    def _from_state(self, stream: Stream, gate: int, unit: Any, h: Sequence[Any], total: Any) -> Any:
        """total + U h of one gate of one unit."""
        layout = self.layout
        if layout.recurrent_weights is None:
            raise ValueError(f"{gate}: a gate's product with the state needs recurrent weights")
        column = offset_by(self.code, gate * layout.size, unit)
        for row, value in enumerate(h):
            total = self.code.fma(stream.weights(layout.recurrent_weights + row * layout.width, column), value, total)
        return total

    def advance(self, stream: Stream, unit: Any, gates: Sequence[Any], states: Sequence[Any], out: Any) -> list[Any]:
        """The new states of a unit, stored together with what goes onto the tape."""
        code, layout, step = self.code, self.layout, self.layout.step
        parameters = [stream.weights(place, unit) for place in layout.parameters]
        found = new_states(code, step, gates, states, parameters, self.taped)
        for index, root in enumerate(self.stored()):
            code.store(found[root], out, offset_by(code, index * layout.size, unit))
        return [found[root] for root in step.states]
