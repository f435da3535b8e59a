"""Decode: from which step on, and where, a layer's state holds what the task hides."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.dynamics.block_system import BlockSystem
from memspan.dynamics.inner_states import state_count, system_of
from memspan.dynamics.mixing import Mixing, mixing, standard
from memspan.dynamics.state_probe import READ_UNITS, StateProbe, inner, one_way, too_many
from memspan.dynamics.tiles import tiles
from memspan.interfaces.batch import Batch
from memspan.interfaces.blocks import Blocks
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.probes.decode.hidden_variable import HiddenVariable, hidden_variable
from memspan.probes.decode.readouts import BestUnit, best_unit, decoded, score
from memspan.statistics.band import band, band_of_sums
from memspan.statistics.bootstrap import Floats
from memspan.statistics.scores import mean_scores
from memspan.tasks import sample

SequenceCount = Annotated[
    Whole, Field(ge=16, le=10_000, multiple_of=2, description="fresh sequences; the second half is held out")
]


class Decode(StateProbe):
    """Read a hidden variable of the task, such as a carry or a first bit, from a layer's state at each step.

    A linear read-out is fitted for every step to half of the sequences and scored on the other half: accuracy for a
    variable of a few whole values, R² for a number. ``best_unit`` is the single unit that tells it best at all steps
    alike, with its own score and its share of the weights of a common read-out.

    A state of more than 1 024 numbers, such as a matrix, is standardised at each step by the first half of the
    sequences, and mixed at random into 1 024 sums of all of it; then there is no best unit.
    """

    title: ClassVar[str] = "Decode a hidden variable"
    reference: ClassVar[str] = "Alain & Bengio (2016), Understanding intermediate layers, arXiv 1610.01644"
    kind: Literal["decode"] = "decode"
    sequences: SequenceCount = 512
    variable: Annotated[
        str | None, Field(max_length=60, description="which of the task's hidden variables; null: the first")
    ] = None
    points: Annotated[Whole, Field(ge=1, le=1_000, description="most steps that are decoded, spread evenly")] = 100

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        if not task.hidden:
            return f"The probe {self.kind} reads what a task hides, and {task.kind} names no hidden variable."
        if self.variable is not None and self.variable not in task.hidden:
            known = ", ".join(task.hidden)
            return f"The task {task.kind} hides {known}; there is no variable {self.variable!r}."
        return super().objection(task, length, network)

    def objection_to_layers(self, task: TaskSpec, recurrence: Recurrence) -> str | None:
        misplaced = super().objection_to_layers(task, recurrence) or one_way(self, task, recurrence)
        return misplaced or too_many(self, task, self.chosen(recurrence).size)

    def objection_to_blocks(self, task: TaskSpec, blocks: Blocks) -> str | None:
        misplaced = super().objection_to_blocks(task, blocks)
        return misplaced or too_many(self, task, blocks.mixers[self.layer].state_sizes(1).get(self.state, 0))

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        """A read-out for each step takes about as long as the states that it reads."""
        return Effort(answers=2 * self.sequences)


@probe(Decode)
def measure(spec: Decode, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """Accuracy or R² on held-out sequences, by time step.

    Units:
        steps from 0 at the sequence's start; accuracies and R² as shares.
    """
    internals = inner(spec, model)
    batch = shuffled(sample(task, length, spec.sequences, rng), rng)
    variable = hidden_variable(task.hidden_variables(batch)[spec.variable or task.hidden[0]], spec.points)
    if not len(variable.steps):
        return empty(len(next(iter(internals.weights.values()))))
    gains, best = read(spec, internals, batch.inputs, variable)  # (M, B/2, P, 2)
    steps = tuple(variable.steps.tolist())
    each = score(gains.mean(1))  # (M, P)
    found = band_of_sums(gains[0], score) if len(gains) == 1 else band(each[:, None])
    y, low, high = (tuple(part.tolist()) for part in (found.value, found.low, found.high))
    words = ("step", "accuracy" if variable.classes else "R²", "steps", "1")
    chance = tuple(variable.chance().tolist())
    return Curve(steps, y, low, high, found.n, *words, baseline=chance, scores=summary(each, best))


def shuffled(batch: Batch, rng: Generator) -> Batch:
    """The same sequences in random order: a task may hand them out sorted, and one half is held out."""
    order = torch.randperm(len(batch), generator=rng)
    return Batch(batch.inputs[order], batch.targets[order])


def empty(members: int) -> Curve:
    """The answer where no step tells sequences apart."""
    return Curve((), (), (), (), members, "step", "accuracy", "steps", "1", baseline=())


def read(spec: Decode, internals: Internals, inputs: Tensor, variable: HiddenVariable) -> tuple[Floats, list[BestUnit]]:
    """The gains of every member's read-outs (M, B/2, P, 2), and its best unit where states aren't mixed."""
    members, network = len(next(iter(internals.weights.values()))), internals.network
    each = len(variable.steps) * min(state_count(network), READ_UNITS) + state_count(network)
    gains, best = [], []
    for some, _ in tiles(members, 1, each * len(inputs)):
        states, is_mixed = states_at(spec, internals, some, inputs, variable.steps)
        for member in states:
            gains.append(decoded(member, variable).transpose(0, 1))
            best += [] if is_mixed else [best_unit(member, variable)]
    return torch.stack(gains).numpy(), best


@torch.no_grad()
def states_at(spec: Decode, internals: Internals, members: slice, inputs: Tensor, steps: Tensor) -> tuple[Tensor, bool]:
    """A state of a layer at some steps, (M, P, B, H), and whether it had to be mixed."""
    system, wanted = system_of(internals, members), set(steps.tolist())
    driving = inputs.to(system.like)
    if isinstance(system, BlockSystem):
        every = system.states(driving, spec.layer, spec.state)
    elif internals.network.recurrence is not None:
        level, state = spec.place(internals.network.recurrence)
        every = (states[level][state] for states in system.run(driving))
    chosen = (each for step, each in enumerate(every) if step in wanted)
    seen = [(readable(each), each.shape[-1] > READ_UNITS) for each in chosen]
    return torch.stack([states for states, _ in seen], dim=1).cpu(), seen[0][1]


def readable(states: Tensor) -> Tensor:
    """States (M, B, H) of one step as they are read: of very many numbers sums, (M, B, READ_UNITS)."""
    if states.shape[-1] <= READ_UNITS:
        return states
    known, together = standard([states[:, : states.shape[1] // 2]]), mixing(states.shape[-1], READ_UNITS)
    return Mixing(together.signs.to(states), together.rows.to(states.device))(known(states))


def summary(each: Floats, best: list[BestUnit]) -> dict[str, float | None]:
    """What the curve comes to; which unit is best can be said of one model only, whose state isn't mixed."""
    columns = {"mean": each.mean(1), "last": each[:, -1]}
    if best:
        columns["best_unit_score"] = np.array([unit.score for unit in best])
        columns["best_unit_share"] = np.array([unit.share for unit in best])
    found = {key: value for name, column in columns.items() for key, value in mean_scores(name, column).items()}
    return found | {"best_unit": best[0].unit if len(best) == 1 else None}
