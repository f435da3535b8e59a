"""Which networks run as hybrid layers, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from memspan.engine.fused.scope import works
from memspan.engine.fused.trace import UnknownOperation, traced
from memspan.engine.hybrid.pool import BufferPool
from memspan.interfaces.network import Network, Weights
from memspan.interfaces.noise import Noise
from memspan.interfaces.recurrence import Layer, Recurrence
from memspan.layers.bound import BoundLayer, bind
from memspan.layers.recurrent import STEPWISE, answer

LEAST_SIZE = 24
"""units from which on layers are hybrid. Smaller ones are nearly all trained by fused loops; those that are not (with
dropout, say) would gain as well, but for stacks of plain RNNs (``python -m benchmarks thresholds``)"""
LEAST_STEPS = 3
"""time steps from which on it pays; measured by ``python -m benchmarks thresholds``"""
LEAST_NUMBERS = 1024
"""outputs of a time step from which on members with one gate are better run one after another than side by side;
measured by ``python -m benchmarks thresholds``"""


class Answer(Protocol):
    """A network's way to its outputs."""

    def __call__(self, weights: Weights, inputs: Tensor, noise: Noise | None, steps: Tensor | None = None) -> Tensor:
        """Weights, inputs (M, B, T, C), noise of dropout, perhaps the steps (M, B, Q) to answer at -> outputs."""


Pays = Callable[[Layer, int, int, int], bool]


def pays(layer: Layer, members: int, steps: int, batch: int) -> bool:
    """Whether the hybrid way is faster; measured."""
    busy = len(layer.cell.gates) > 1 or batch * layer.size >= LEAST_NUMBERS
    return steps >= LEAST_STEPS and (members == 1 or busy)


class HybridLayers:
    """Runs layers by matrix products of torch with the cell's compiled loops between them; on the processor only."""

    def __init__(self, recurrence: Recurrence, pays: Pays) -> None:
        from memspan.engine.hybrid import kernels, layer  # need the compiler, which may be missing

        self._outputs, self._pool, self._pays = layer.outputs, BufferPool(), pays
        self._kernels = {each.name: kernels.cell_kernels(each.cell) for each in recurrence.layers}

    def last(self, layer: Layer, weights: Weights, sequence: Tensor) -> Tensor:
        bound = bind(layer, weights)
        if self._is_worth(bound, sequence):
            return self._run(bound, sequence, every=False)
        return _only_step(bound, sequence) if sequence.shape[1] == 1 else STEPWISE.last(layer, weights, sequence)

    def every(self, layer: Layer, weights: Weights, sequence: Tensor) -> Tensor:
        bound = bind(layer, weights)
        if self._is_worth(bound, sequence):
            return self._run(bound, sequence, every=True)
        if sequence.shape[1] == 1:
            return _only_step(bound, sequence).unsqueeze(1)
        return STEPWISE.every(layer, weights, sequence)

    def _is_worth(self, bound: BoundLayer, sequence: Tensor) -> bool:
        members, steps, batch, _ = sequence.shape
        return self._pays(bound.layer, members, steps, batch)

    def _run(self, bound: BoundLayer, sequence: Tensor, every: bool) -> Tensor:
        turned = sequence.flip(1) if bound.layer.reverse else sequence
        return self._outputs(bound, self._kernels[bound.layer.name], turned, self._pool, every)


def _only_step(bound: BoundLayer, sequence: Tensor) -> Tensor:
    """The output (M, B, H) for a sequence of one step: the state is 0, and so is all that a matrix makes of it."""
    state = bound.first(sequence.shape[2])
    gates = bound.alone(bound.project(sequence).squeeze(1))
    return bound.layer.cell.pointwise(gates, state, bound.parameters)[0]


def hybrid(network: Network, every_step: bool, device: torch.device, pays: Pays = pays) -> Answer | None:
    """A network's answer by hybrid layers, equal to its own but for rounding; None where a layer can't be one."""
    recurrence = network.recurrence
    if recurrence is None or device.type != "cpu" or not all(map(is_hybrid, recurrence.layers)) or not works():
        return None
    runner = HybridLayers(recurrence, pays)
    return lambda weights, inputs, noise, steps=None: answer(
        recurrence, every_step, weights, inputs, noise, runner, steps
    )


def is_hybrid(layer: Layer) -> bool:
    """Large enough, one product a step with an output that starts at 0, and no operation that can't be compiled."""
    cell = layer.cell
    if layer.size < LEAST_SIZE or cell.inner is not None or cell.starts.get(cell.states[0]):
        return False
    try:
        traced(cell)
    except UnknownOperation:
        return False
    return True
