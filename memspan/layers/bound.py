"""A recurrent layer with a population's weights: the torch engine's way to run a cell through time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.interfaces.cell import Parameters, Preactivations, State
from memspan.interfaces.network import Weights
from memspan.interfaces.recurrence import Layer


@dataclass(frozen=True)
class BoundLayer:
    """A layer and its weights.

    Attributes:
        input_weights: W (M, I, G H).
        bias: what is added to W x: b, and b' too where the two products are joined (M, 1, G H).
        recurrent_weights: U (M, H, G H); None for a cell that has none.
        recurrent_bias: b' of a cell whose two products stay separate (M, 1, G H).
        parameters: of the pointwise part.
    """

    layer: Layer
    input_weights: Tensor
    bias: Tensor
    recurrent_weights: Tensor | None
    recurrent_bias: Tensor | None
    parameters: Parameters

    def run(self, sequence: Tensor, state: State | None = None) -> list[State]:
        """The state after each step of a sequence (M, T, B, I), in the order in which the layer goes."""
        projected = self.project(sequence)
        state = self.first(sequence.shape[2]) if state is None else state
        states = []
        for x in projected.flip(1).unbind(1) if self.layer.reverse else projected.unbind(1):
            state = self.advance(x, state)
            states.append(state)
        return states

    def first(self, batch: int) -> State:
        """The state before the first step, each tensor (M, B, H)."""
        shape = (self.input_weights.shape[0], batch, self.layer.size)
        starts = self.layer.cell.starts
        return tuple(self.input_weights.new_full(shape, starts.get(name, 0.0)) for name in self.layer.cell.states)

    def project(self, sequence: Tensor) -> Tensor:
        """W x + b of all steps at once: (M, T, B, I) -> (M, T, B, G H)."""
        members, length, batch, inputs = sequence.shape
        flat = sequence.reshape(members, length * batch, inputs)
        return torch.baddbmm(self.bias, flat, self.input_weights).view(members, length, batch, -1)

    def advance(self, x: Tensor, state: State) -> State:
        """One step from a projected input x = W x + b (M, B, G H)."""
        return self.layer.cell.pointwise(self.gates(x, state), state, self.parameters)

    def gates(self, x: Tensor, state: State) -> Preactivations:
        """The pre-activations of a step: the blocks of z, or those of x followed by those of U h + b'."""
        if self.recurrent_weights is None:
            return self._blocks(x)
        if self.layer.cell.inner is not None:
            return self._gates_with_inner(x, state)
        if self.recurrent_bias is None:
            return self._blocks(torch.baddbmm(x, state[0], self.recurrent_weights))
        return self._blocks(x) + self._blocks(torch.baddbmm(self.recurrent_bias, state[0], self.recurrent_weights))

    def alone(self, x: Tensor) -> Preactivations:
        """The pre-activations where the output is still 0, so that its product with U is left out."""
        if self.recurrent_bias is None:
            return self._blocks(x)
        return self._blocks(x) + self._blocks(self.recurrent_bias.expand(x.shape))

    def _gates_with_inner(self, x: Tensor, state: State) -> Preactivations:
        """The last gate's product takes what the other gates make of the state."""
        cell, matrix = self.layer.cell, self.recurrent_weights
        if cell.inner is None or matrix is None:
            raise ValueError(f"layer {self.layer.name} has no product of its recurrent weights with an inner state")
        split = matrix.shape[-1] - self.layer.size
        first = torch.baddbmm(x[..., :split], state[0], matrix[..., :split])
        inner = cell.inner(self._blocks(first), state, self.parameters)
        last = torch.baddbmm(x[..., split:], inner, matrix[..., split:])
        return (*self._blocks(first), last)

    def _blocks(self, z: Tensor) -> Preactivations:
        members, batch, _ = z.shape
        return z.view(members, batch, -1, self.layer.size).unbind(2)


def bind(layer: Layer, weights: Weights) -> BoundLayer:
    """Put a layer and its weights, each (M, ...), together."""
    name, cell = layer.name, layer.cell
    bias, second = weights[f"{name}.bias"].unsqueeze(1), weights.get(f"{name}.recurrent_bias")
    matrix = weights[f"{name}.recurrent"] if cell.recurrent else None
    separate = None
    if second is not None and cell.joined:
        bias = bias + second.unsqueeze(1)
    elif not cell.joined and matrix is not None:
        separate = matrix.new_zeros(matrix.shape[0], 1, matrix.shape[2]) if second is None else second.unsqueeze(1)
    parameters = tuple(weights[f"{name}.{parameter}"].unsqueeze(1) for parameter in cell.parameters)
    return BoundLayer(layer, weights[f"{name}.kernel"], bias, matrix, separate, parameters)
