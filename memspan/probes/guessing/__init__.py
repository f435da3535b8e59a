"""Guessing: how often random weights solve the task without any training."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator

from memspan.attribution.blocks import too_large
from memspan.attribution.internals import internals_of
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import Effort, ProbeSpec
from memspan.interfaces.readings import Scalars
from memspan.interfaces.spec import Real, Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.probes.guessing.guesses import Criterion, Guessed, guess
from memspan.statistics.wilson import wilson
from memspan.tasks import sample

ROUNDING = 1e-9
"""what 1 - accuracy may lose: an accuracy of exactly the bound counts"""

GUESSED_SHARE = 0.1
"""of the sequences, that the average guess is scored on before it is given up (latch: .04, adding: .2)"""


class Guessing(ProbeSpec):
    """Draw all weights of the model's own architecture at random, many times, and count how often that solves the task.

    A task that a few guesses solve says little about training. Solved is an accuracy of at least ``accuracy``, or a
    loss of at most ``share_of_variance`` of the target's variance. ``expected_trials`` is 1 / ``solved_share``, whose
    interval is Wilson's; both count guesses. The trained weights do not matter. The best score is that of the guesses
    that were scored on all sequences: those that solve, and the most hopeful of the others.
    """

    title: ClassVar[str] = "Random weight guessing"
    reference: ClassVar[str] = (
        "Schmidhuber, Hochreiter & Bengio (2001), people.idsia.ch/~juergen/guessing2001; Hochreiter & Schmidhuber "
        "(1997), Bridging Long Time Lags by Weight Guessing and LSTM"
    )
    asks_weights: ClassVar[bool] = False
    kind: Literal["guessing"] = "guessing"
    trials: Annotated[Whole, Field(ge=1, le=1_000_000, description="guesses")] = 1_000
    scale: Annotated[Real, Field(gt=0, le=1_000, description="weights are uniform between -scale and scale")] = 1.0
    accuracy: Annotated[Real, Field(gt=0, le=1, description="least accuracy that counts as solved")] = 0.99
    share_of_variance: Annotated[
        Real, Field(gt=0, lt=1, description="of a regression: largest loss that counts as solved, over the variance")
    ] = 0.01
    sequences: Annotated[Whole, Field(ge=2, le=10_000, description="fresh sequences that every guess is tried on")] = (
        1_000
    )

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        return too_large(task, length, self.sequences)

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=GUESSED_SHARE * self.trials * self.sequences)


@probe(Guessing)
def measure(spec: Guessing, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Scalars:
    """The share of guesses that solve the task, what that means in guesses, and the best score.

    Units:
        of the best loss squared units of the answer.
    """
    internals = internals_of(model, spec.kind)
    drawn = sample(task, length, spec.sequences, rng)
    order = torch.randperm(len(drawn), generator=rng)  # a set sorted by class would keep poor guesses going
    batch = Batch(drawn.inputs[order], drawn.targets[order])
    solved_if = criterion(spec, task, length, batch)
    found = guess(internals.network, internals.signature, batch, solved_if, spec.trials, spec.scale, rng)
    return reading(found, solved_if, spec.trials)


def criterion(spec: Guessing, task: TaskSpec, length: int, batch: Batch) -> Criterion:
    """What counts as solved; a task that doesn't know its target's variance gets that of the sequences."""
    if task.is_classification(length):
        return Criterion("accuracy", 1 - spec.accuracy + ROUNDING)
    variance = task.target_variance(length)
    if variance is None:
        variance = float(batch.targets.double().var(0, correction=0).mean())
    return Criterion("loss", spec.share_of_variance * variance)


def reading(found: Guessed, solved_if: Criterion, trials: int) -> Scalars:
    """Shares and numbers of guesses with Wilson's interval; the best score as it is."""
    share, around = found.solved / trials, wilson(found.solved, trials)
    score, best = f"best_{solved_if.metric}", found.lowest if solved_if.metric == "loss" else 1 - found.lowest
    value = {"solved_share": share, "expected_trials": _trials(share), score: best}
    low = {"solved_share": around.low, "expected_trials": _trials(around.high), score: best}
    high = {"solved_share": around.high, "expected_trials": _trials(around.low), score: best}
    return Scalars(value, low, high, trials, {"solved_share": "1", "expected_trials": "guesses", score: "1"})


def _trials(share: float) -> float:
    return 1 / share if share else math.inf
