"""sLSTM: an LSTM with exponential gates and a normaliser."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from memspan.interfaces.cell import Cell, Parameters, Preactivations, State
from memspan.interfaces.mixer import Carried, Mixer
from memspan.interfaces.network import Weight, Weights
from memspan.interfaces.recurrence import Layer
from memspan.layers import initializers
from memspan.layers.bound import BoundLayer, bind
from memspan.layers.recurrent import STEPWISE, Runner, Start, layer_weights
from memspan.layers.rms_norm import rms_norm
from memspan.layers.short_convolution import ShortConvolution

NEVER = -1e30
"""the logarithm of a gate that never opened: m before the first step. From 0, input gates that are nearly shut would
leave n = 0, and 0 / 0 after it"""
FORGET_LOW, FORGET_HIGH = 3.0, 6.0
"""biases of the forget gates at the start, spread over a head's units"""


def step(z: Preactivations, state: State, _: Parameters) -> State:
    """m = max(log f + m, ĩ), c = f' c + i' tanh(z̃), n = f' n + i' and y = σ(õ) c / n. Each (M, B, H).

    f = σ(f̃), i' = exp(ĩ - m), f' = exp(log f + m_{t-1} - m_t): neither is above 1, and one of them is 1.
    """
    made, opened, forget, output = z
    c, n, m = state[1:]
    left = m - softplus(-forget)
    top = torch.maximum(left, opened)
    i, f = torch.exp(opened - top), torch.exp(left - top)
    c, n = f * c + i * torch.tanh(made), f * n + i
    return torch.sigmoid(output) * c / n, c, n, top


def keep(z: Preactivations, state: State, _: Parameters) -> Tensor:
    """f = σ(f̃), (M, B, H)."""
    return torch.sigmoid(z[2])


CELL = Cell(("z", "i", "f", "o"), ("y", "c", "n", "m"), step, starts={"m": NEVER}, keep=keep, memory="c")

COMPILED_UNITS = 24
"""units of a head from which on engines have compiled loops for it"""
COMPILED_OPERATIONS, TORCH_OPERATIONS = 2, 35
"""what a step of a head costs in operations of torch, forward and backward; ``python -m benchmarks modern``"""


@dataclass(frozen=True)
class ScalarLSTM(Mixer):
    """Heads of LSTMs side by side, each with d / h units that see all of x but only their own head's output; norm(y).

    Gates look at the output of the step before, so it goes step by step whatever runs it: an engine puts compiled loops
    between the products of a step.

    Attributes:
        runner: how the layers are run through time.

    Source:
        Beck et al. (2024), arXiv 2405.04517, equations 8 to 18 and appendix A.2; recurrent matrices start at 0.
    """

    size: int
    heads: int
    convolution: int
    runner: Runner = STEPWISE

    @property
    def layers(self) -> tuple[Layer, ...]:
        """One for each head."""
        return tuple(Layer(f"head{head}", CELL, self.size, self.size // self.heads) for head in range(self.heads))

    def weights(self) -> dict[str, Weight]:
        start = Start(initializers.uniform(1 / math.sqrt(self.size)), initializers.zeros, first_biases)
        heads = {name: weight for layer in self.layers for name, weight in layer_weights(layer, start).items()}
        return {**self._short.weights(), **heads, "norm": Weight((self.size,), initializers.constant(1.0))}

    def mix(self, weights: Weights, x: Tensor) -> Tensor:
        sequence = self._short.run(weights, x).transpose(1, 2)  # (M, T, B, d)
        made = torch.stack([self.runner.every(layer, weights, sequence) for layer in self.layers], dim=3)
        return self._normed(weights, made.transpose(1, 2))

    def _normed(self, weights: Weights, made: Tensor) -> Tensor:
        """norm(y) of each head with a gain for each unit, (M, ..., h, H) -> (M, ..., d)."""
        gain = weights["norm"]
        return rms_norm(made).flatten(-2) * gain.view(len(gain), *(1,) * (made.dim() - 3), -1)

    @property
    def gated(self) -> bool:
        return True

    def keep(self, weights: Weights, x: Tensor) -> Tensor:
        """f of each unit: step by step, as its gates look at its output."""
        sequence = self._short.run(weights, x).transpose(1, 2)
        return torch.cat([_followed(bind(layer, weights), sequence) for layer in self.layers], dim=-1)

    def first(self, weights: Weights, batch: int) -> Carried:
        """y, c, n and m, each (M, B, d), and what the convolution carries."""
        each = zip(*(bind(layer, weights).first(batch) for layer in self.layers), strict=True)
        return *(torch.cat(parts, dim=-1) for parts in each), *self._short.first(weights, batch)

    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        seen, past = self._short.step(weights, x, carried[4:])
        before = zip(*(each.chunk(self.heads, dim=-1) for each in carried[:4]), strict=True)
        after = []
        for layer, state in zip(self.layers, before, strict=True):
            bound = bind(layer, weights)
            after.append(bound.advance(bound.project(seen.unsqueeze(1)).squeeze(1), state))
        made = torch.stack([state[0] for state in after], dim=2)
        states = tuple(torch.cat(parts, dim=-1) for parts in zip(*after, strict=True))
        return self._normed(weights, made), (*states, *past)

    @property
    def _short(self) -> ShortConvolution:
        return ShortConvolution(self.size, self.convolution)

    def state_sizes(self, length: int) -> dict[str, int]:
        return dict.fromkeys(CELL.states, self.size) | self._short.state_sizes()

    def kept(self, length: int) -> int:
        """Between what compiled loops keep and the half more that autograd keeps of a cell that goes step by step."""
        return length * 17 * self.size + self._short.kept(length)

    def multiplications(self, length: int) -> int:
        matrices = 4 * self.size * (self.size + self.size // self.heads)
        return length * matrices + self._short.multiplications(length)

    def operations(self, length: int) -> int:
        """Engines on a processor run a step of a head by a product and a loop where it is large enough, else by torch's
        own operations."""
        each = COMPILED_OPERATIONS if self._compiled else TORCH_OPERATIONS
        return 8 + each * length * self.heads + self._short.operations()

    @property
    def pace(self) -> float:
        return 0.5 if self._compiled else 1.0

    @property
    def _compiled(self) -> bool:
        """Whether an engine with compiled loops uses them for heads of this size."""
        return self.size // self.heads >= COMPILED_UNITS


def _followed(bound: BoundLayer, sequence: Tensor) -> Tensor:
    """f at each step of (M, T, B, d), (M, B, T, H)."""
    state, found = bound.first(sequence.shape[2]), []
    for x in bound.project(sequence).unbind(1):
        z = bound.gates(x, state)
        found.append(keep(z, state, ()))
        state = bound.layer.cell.pointwise(z, state, ())
    return torch.stack(found, dim=2)


def first_biases(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """Of z, i, f and o: 0 but for f, from 3 to 6 over the units."""
    units = shape[0] // 4
    biases = torch.zeros(4, units)
    biases[2] = torch.linspace(FORGET_LOW, FORGET_HIGH, units)
    return biases.flatten()
