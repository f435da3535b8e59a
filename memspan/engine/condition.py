"""A condition: what runs of equal shape are trained and scored on, as one program."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from memspan.engine.ending import Goal
from memspan.engine.seeds import beginning, digest, digest_behind
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.interfaces.task import TaskSpec
from memspan.models import build
from memspan.training import Training

Purpose = Literal["report", "tuning"]


@dataclass(frozen=True)
class Condition:
    """One task x model x length of an experiment, and how its runs are trained and scored.

    Attributes:
        length: in the task's own measure, mostly time steps; None for a task that has no length.
        seed: of the experiment.
        checkpoint: which weights are scored at the end.
        goal: what a run is to reach that is trained until it has converged; None where all are trained equally long.
        purpose: ``tuning`` where the runs serve to choose a setting: their seeds and sequences are none that is
            reported, and they are scored on their validation set at the end, never on a test set.
    """

    task: TaskSpec
    model: ModelSpec
    length: int | None
    training: Training
    seed: int
    checkpoint: Literal["best", "last"] = "last"
    goal: Goal | None = None
    purpose: Purpose = "report"

    @property
    def extent(self) -> int:
        """The length in the task's own measure, e.g. bits; the least for a task that has no length."""
        return self.task.minimum_length if self.length is None else self.length

    @property
    def is_reported(self) -> bool:
        """Whether its runs enter results."""
        return self.purpose == "report"

    @property
    def final_size(self) -> int:
        """Sequences that a run is scored on at its end."""
        return self.training.test_size if self.is_reported else self.training.validation_size

    @cached_property
    def signature(self) -> Signature:
        """Shape of the task here; its ``length`` counts time steps."""
        return self.task.signature(self.extent)

    def network(self) -> Network:
        return build(self.model, self.signature)

    @property
    def data_seed(self) -> int:
        """Seed of the data that all models and repeats share."""
        name = "data" if self.is_reported else "tuning data"
        return digest(self.seed, name, self.task.content(), self.length)

    def run_seed(self, repeat: int) -> int:
        """Seed of one repeat: made of the run's content, never of ids or grid positions.

        How it is trained is none of that: repeats of all settings that are tried begin from the same weights.
        """
        return digest_behind(self._run, repeat)

    @cached_property
    def _run(self) -> str:
        name = "run" if self.is_reported else "tuning run"
        return beginning(self.seed, name, self.task.content(), self.model.content(), self.length)
