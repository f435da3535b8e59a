"""Lyapunov: how fast two states that are a little apart come together, or part."""

from __future__ import annotations

import math
from itertools import islice
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.dynamics.inner_states import System, state_count, system_of
from memspan.dynamics.state_probe import RecurrentProbe, inner, one_way
from memspan.dynamics.tiles import tiles
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.statistics.band import band
from memspan.statistics.scores import median_scores
from memspan.tasks import sample

SequenceCount = Annotated[Whole, Field(ge=2, le=1_000, description="courses through time that are followed")]

LEAST = torch.finfo(torch.float64).eps
"""a contraction in one step that can't be told from one to nothing: no exponent lies below log ε = -36"""


class Lyapunov(RecurrentProbe):
    """The Lyapunov exponents of all states of all layers together, driven by the task's own sequences.

    A largest exponent below 0 means that the state forgets, with a memory time of -1 / exponent; near 0 it holds, and
    above 0 it is chaotic. Sequences are laid end to end until ``steps`` lie between a ``transient`` at either end.
    """

    title: ClassVar[str] = "Lyapunov exponents"
    reference: ClassVar[str] = (
        "Vogt, Puelma Touzel, Shlizerman & Lajoie (2022), arXiv 2006.14123; Engelken (2023), arXiv 2312.17306"
    )
    kind: Literal["lyapunov"] = "lyapunov"
    sequences: SequenceCount = 4
    steps: Annotated[Whole, Field(ge=1, le=10_000, description="steps that are averaged over")] = 200
    transient: Annotated[
        Whole, Field(ge=0, le=10_000, description="steps before them, and after them, that don't count")
    ] = 50
    exponents: Annotated[Whole, Field(ge=1, le=256, description="how many, the largest first")] = 8

    def objection_to_layers(self, task: TaskSpec, recurrence: Recurrence) -> str | None:
        return one_way(self, task, recurrence)

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        """One pass back for each exponent; a step's QR takes about as long as two more."""
        steps, columns = self.steps + 2 * self.transient, min(self.exponents, network.state_size)
        return Effort(answers=self.sequences, gradients=self.sequences * columns, calls=3, steps=steps)


@probe(Lyapunov)
def measure(spec: Lyapunov, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """Exponents by rank, nats per step; none is told from less than log ε = -36, where a step forgets everything."""
    internals = inner(spec, model)
    states = state_count(internals.network)
    inputs = laid_end_to_end(task, length, spec.sequences, spec.steps + 2 * spec.transient, rng)
    size = min(spec.exponents, states)
    found = every_exponent(internals, inputs, spec.transient, orthonormal(states, size, rng))
    curve = band(found.numpy())
    y, low, high = (tuple(part.tolist()) for part in (curve.value, curve.low, curve.high))
    largest = found[..., 0].mean(1)  # (M,)
    memory = torch.where(largest < 0, -1 / largest, torch.where(largest.isnan(), math.nan, math.inf))
    told = median_scores("largest", largest.numpy()) | median_scores("memory_steps", memory.numpy())
    words = ("rank", "Lyapunov exponent", "1", "nats per step")
    return Curve(tuple(range(1, size + 1)), y, low, high, curve.n, *words, baseline=0.0, scores=told)


def laid_end_to_end(task: TaskSpec, length: int, count: int, steps: int, rng: Generator) -> Tensor:
    """Fresh sequences laid end to end, (B, steps, C)."""
    times = -(-steps // task.signature(length).length)
    parts = [sample(task, length, count, rng).inputs for _ in range(times)]
    return torch.cat(parts, dim=1)[:, :steps]


def every_exponent(internals: Internals, inputs: Tensor, transient: int, start: Tensor) -> Tensor:
    """The exponents of every member along every trajectory, (M, B, K)."""
    members = len(next(iter(internals.weights.values())))
    found = torch.empty(members, len(inputs), start.shape[1], dtype=torch.float64)
    each = 8 * start.numel() + inputs.shape[1] * len(start)
    for some, trajectories in tiles(members, len(inputs), each):
        system = system_of(internals, some)
        driving = inputs[trajectories].to(system.like)
        found[some, trajectories] = exponents(system, driving, transient, start.to(driving.device)).cpu()
    return found


def exponents(system: System, inputs: Tensor, transient: int, start: Tensor) -> Tensor:
    """The leading exponents of each member along each sequence, largest first, nats per step (M, B, K).

    The frame goes against time: Z = Jᵀ Q, Z = Q' R at each step, and the mean of log |R_ii|. A product of Jacobians and
    its transpose have the same singular values, so the exponents are those of going with time, and one backward
    pass a step gives all columns. The first ``transient`` steps, until the states have settled, and the last, until
    the frame has, don't count.

    Shapes:
        inputs (B, S, C), start (D, K) with orthonormal columns.

    Source:
        Benettin, Galgani, Giorgilli & Strelcyn (1980), Meccanica 15; for recurrent networks Vogt, Puelma Touzel,
        Shlizerman & Lajoie (2022), arXiv 2006.14123.
    """
    members, (count, steps, _) = len(system.like), inputs.shape
    trajectory = [system.flat(system.first(count)), *(system.flat(states) for states in system.run(inputs))]
    frame = start.expand(members, count, *start.shape)  # (M, B, D, K)
    total = frame.new_zeros(members, count, start.shape[1])
    for step in islice(reversed(range(steps)), steps - transient):
        frame, triangle = torch.linalg.qr(pulled_back(system, inputs[:, step], trajectory[step], frame))
        if step < steps - transient:
            total += triangle.diagonal(dim1=-2, dim2=-1).abs().clamp_min(LEAST).log()
    return (total / (steps - 2 * transient)).sort(-1, descending=True).values


def pulled_back(system: System, x: Tensor, flat: Tensor, frame: Tensor) -> Tensor:
    """Jᵀ applied to each column of a frame (M, B, D, K), J the Jacobian of a step from states (M, B, D) at x (B, C)."""
    columns = frame.shape[-1]
    before = flat.detach().repeat_interleave(columns, dim=1).requires_grad_()  # (M, B K, D)
    shown = x.repeat_interleave(columns, dim=0).expand(len(flat), -1, -1)
    with torch.enable_grad():
        after = system.flat(system.advance(shown, system.parted(before)))
    sides = frame.transpose(-1, -2).flatten(1, 2)  # (M, B K, D)
    (slopes,) = torch.autograd.grad(after, before, sides, allow_unused=True, materialize_grads=True)
    turned: Tensor = slopes.unflatten(1, (-1, columns)).transpose(-1, -2)
    return turned


def orthonormal(size: int, columns: int, rng: Generator) -> Tensor:
    """Random orthonormal columns (D, K), float64."""
    drawn: Tensor = torch.linalg.qr(torch.randn(size, columns, generator=rng, dtype=torch.float64))[0]
    return drawn
