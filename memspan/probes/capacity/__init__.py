"""Capacity: how many past inputs can be read linearly from the state."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator

from memspan.dynamics.inner_states import state_count, system_of
from memspan.dynamics.state_probe import READ_UNITS, RecurrentProbe, inner, one_way, too_many
from memspan.dynamics.tiles import tiles
from memspan.interfaces.blocks import Blocks
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.spec import Real, Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.probes.capacity.correlation import corrected, moments, squared
from memspan.probes.capacity.input_signal import InputSignal, driven_states, input_signal
from memspan.statistics.band import band, band_of_sums
from memspan.statistics.bootstrap import Floats
from memspan.statistics.scores import mean_scores

FEWEST_LAGS, MOST_LAGS = 20, 1_000
FEWEST_SAMPLES, SAMPLES_A_UNIT = 4_096, 16

SequenceCount = Annotated[
    Whole, Field(ge=16, le=1_000, multiple_of=2, description="courses that are driven; the second half is held out")
]


class Capacity(RecurrentProbe):
    """Linear memory capacity: drive the network with independent uniform numbers and read each past one from its state.

    The squared correlation of a linear read-out with the input of each lag, held out, less what unrelated sequences'
    inputs give; lag 0 is the step just read. ``total`` sums over lags; it is at most the number of states. One channel
    is driven, with the task's own mean and spread; the others stand still at their means.

    States of more than 1 024 numbers, such as matrices, are standardised and mixed at random into 1 024 sums of all.
    That loses nothing while what they hold of the past spans clearly fewer dimensions, and is a lower bound beyond.
    """

    title: ClassVar[str] = "Linear memory capacity"
    reference: ClassVar[str] = (
        "Jaeger (2001), Short term memory in echo state networks, GMD Report 152; pitfalls: Ballarin, Grigoryeva & "
        "Ortega (2023), arXiv 2305.01457"
    )
    not_of_tokens: ClassVar[str] = (
        "none of them is read linearly by its size. Ask context for how far back they count, or a task of numbers."
    )
    kind: Literal["capacity"] = "capacity"
    sequences: SequenceCount = 64
    channel: Annotated[Whole, Field(ge=0, le=4_096, description="input channel that is driven")] = 0
    lags: Annotated[
        Whole | None,
        Field(ge=1, le=10_000, description="how many; null: twice the number of states, from 20 to 1 000"),
    ] = None
    ridge: Annotated[Real, Field(ge=0, le=1, description="of the read-out, in variances of a state")] = 1e-6

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        channels = task.signature(length).channels
        if self.channel >= channels:
            return (
                f"The task {task.kind} has {channels} input channels: channel must be below it, given {self.channel}."
            )
        return super().objection(task, length, network)

    def objection_to_layers(self, task: TaskSpec, recurrence: Recurrence) -> str | None:
        return one_way(self, task, recurrence) or too_many(self, task, recurrence.state_size)

    def objection_to_blocks(self, task: TaskSpec, blocks: Blocks) -> str | None:
        units = sum(size for mixer in blocks.mixers for size in mixer.state_sizes(1).values())
        return super().objection_to_blocks(task, blocks) or too_many(self, task, units)

    def size(self, states: int) -> tuple[int, int, int]:
        """Sequences, steps used of each, and lags, for a network of so many states."""
        lags = self.lags or min(max(2 * states, FEWEST_LAGS), MOST_LAGS)
        samples = max(FEWEST_SAMPLES, SAMPLES_A_UNIT * min(states, READ_UNITS))
        return self.sequences, -(-samples // self.sequences), lags

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        sequences, used, lags = self.size(network.state_size)
        return Effort(answers=sequences, steps=used + lags)


@probe(Capacity)
def measure(spec: Capacity, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """corr²(u(n - k), read-out) for lags k = 0 .. K - 1, corrected for chance.

    Jaeger counts lags from 1, as his state at n is read before the input of n + 1 and after that of n: his k = 1 is
    lag 0 here.
    """
    internals = inner(spec, model)
    signal = input_signal(task, length, spec.channel, spec.size(state_count(internals.network)), rng)
    own, surrogates = read(internals, signal, spec.ridge)
    chance = squared(surrogates).mean((1, 2))  # (M,)
    each = corrected(squared(own.mean(1)), chance[:, None])  # (M, lags)
    one = len(each) == 1
    found = band_of_sums(own[0], lambda means: corrected(squared(means), chance)) if one else band(each[:, None])
    y, low, high = (tuple(part.tolist()) for part in (found.value, found.low, found.high))
    words = ("lag", "memory capacity", "steps", "1")
    return Curve(tuple(range(len(y))), y, low, high, found.n, *words, 0.0, mean_scores("total", each.sum(1)))


def read(internals: Internals, signal: InputSignal, ridge: float) -> tuple[Floats, Floats]:
    """What each member's correlations are made of (M, B/2, lags, 5), and those with surrogates (M, 4, lags, 5)."""
    members, samples = len(next(iter(internals.weights.values()))), signal.delayed[..., 0].numel()
    found = []
    held = samples * min(state_count(internals.network), READ_UNITS)
    for some, _ in tiles(members, 1, held):
        states = driven_states(system_of(internals, some), signal, READ_UNITS)
        found += [moments(member, signal, ridge) for member in states]
    return torch.stack([own for own, _ in found]).numpy(), torch.stack([other for _, other in found]).numpy()
