"""A population: runs of equal shape that are trained as one program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from memspan.engine.seeds import digest
from memspan.models import build
from memspan.parts.model import ModelSpec
from memspan.parts.network import Network
from memspan.parts.task import TaskSpec
from memspan.parts.training import Training

WIDEST = 32
"""most runs in one stack"""


@dataclass(frozen=True)
class Condition:
    """One task x model x length of an experiment, and how its runs are trained and scored.

    Attributes:
        length: time steps; None for a task that has no length.
        seed: of the experiment.
        checkpoint: which weights the test scores.
    """

    task: TaskSpec
    model: ModelSpec
    length: int | None
    training: Training
    seed: int
    checkpoint: Literal["best", "last"] = "last"

    @property
    def steps(self) -> int:
        """Time steps of a sequence."""
        return self.task.minimum_length if self.length is None else self.length

    def network(self) -> Network:
        return build(self.model, self.task.signature(self.steps))

    @property
    def data_seed(self) -> int:
        """Seed of the data that all models and repeats share."""
        return digest(self.seed, "data", self.task.content(), self.length)

    def run_seed(self, repeat: int) -> int:
        """Seed of one repeat: made of the run's content, never of ids or grid positions."""
        return digest(self.seed, "run", self.task.content(), self.model.content(), self.length, repeat)


def width(network: Network) -> int:
    """How many repeats are stacked: many where a step is too small to fill a core, one where it isn't.

    It follows from the model's own shape alone. A run keeps its place in the stack (repeat modulo width) and missing
    mates are padded, so it is computed by the same instructions at the same place whatever is trained beside it.
    """
    if network.parameters <= 300:
        return WIDEST
    return 8 if network.parameters <= 5_000 else 1
