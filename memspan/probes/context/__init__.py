"""Effective context: how many of the last inputs a model needs to answer as well as it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.attribution.answer_probe import AnswerProbe
from memspan.attribution.blocks import answered, blocks
from memspan.attribution.lag_curve import Quantity, curve, estimated_score
from memspan.attribution.replacement import answers_to_hidden, other_sequences
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.signature import Problem
from memspan.interfaces.spec import Real, Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.probes.context.effective_context import best_constant, effective_context
from memspan.statistics.band import band
from memspan.statistics.bootstrap import Floats


class Context(AnswerProbe):
    """Keep the last n inputs before the answer, take all older ones from another sequence, and see the loss rise.

    ``effective_context`` is the smallest n from which on the rise stays below ``epsilon`` of what the model has
    learned: the loss of the best constant answer (``floor``) less its own (``loss``). A model that has learned nothing
    has an effective context of 0; ``learned`` is the share of repeats that have learned something. The curve's
    baseline is the mean rise that is still allowed.
    """

    title: ClassVar[str] = "Effective context"
    reference: ClassVar[str] = "after Khandelwal et al. (2018), arXiv 1805.04623: truncated context, here resampled"
    looks_inside: ClassVar[bool] = False
    kind: Literal["context"] = "context"
    epsilon: Annotated[Real, Field(gt=0, lt=1, description="share of what was learned that may be lost")] = 0.05
    points: Annotated[
        Whole,
        Field(ge=2, le=10_000, description="most contexts that are tried; all of a shorter sequence, else log-spaced"),
    ] = 100

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=self.sequences * len(contexts(self.select(task, length).step + 1, self.points)))


@probe(Context)
def measure(spec: Context, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """mean over sequences of loss(inputs older than n replaced) - loss(all shown), by n.

    The floor is the variance of the selected answer, or the entropy of its classes, in the same sequences.

    Units:
        nats for a classification, squared units of the answer for a regression.
    """
    batch, selected = spec.drawn(task, length, rng)
    other = other_sequences(task, length, spec.sequences, rng)
    sizes = contexts(selected.step + 1, spec.points)
    losses = truncated(model, batch, other, selected, sizes)  # (M, S or 1, N); the last size shows all inputs
    problem = selected.signature.problem
    found = effective_context(losses, best_constant(selected.target(batch.targets), problem), sizes, spec.epsilon)
    scores = {
        **estimated_score("effective_context", found.context),
        "loss": found.loss,
        "floor": found.floor,
        "learned": found.learned,
    }
    quantity = Quantity("rise of the loss", "nats" if problem is Problem.CLASSIFICATION else "1")
    return curve(sizes, band(losses - losses[..., -1:]), quantity, scores, "inputs kept", found.allowed)


def contexts(most: int, points: int) -> tuple[int, ...]:
    """0 to ``most`` inputs, all of them if there are at most ``points``, else spaced logarithmically."""
    if most < points:
        return tuple(range(most + 1))
    spaced = np.geomspace(1, most, points - 1).round().astype(int)
    return (0, *dict.fromkeys(spaced.tolist()))


def truncated(model: Predictor, batch: Batch, other: Tensor, selected: SelectedAnswer, sizes: Sequence[int]) -> Floats:
    """The loss with the last n inputs shown and older ones taken from ``other``: (M, S, N), or (M, 1, N) if M > 1."""
    found, signature = [], selected.signature
    kept, own = torch.tensor(sizes).view(-1, 1, 1), torch.arange(signature.length)
    for part in blocks(
        len(batch), max(batch.inputs[0].numel(), answered(model, signature), model.members * len(sizes))
    ):
        mine = batch[part]
        older = own <= selected.steps(mine.targets).unsqueeze(1) - kept  # (N, b, T)
        asked = answers_to_hidden(model, mine.inputs, other[part], older, signature)
        losses = [selected.loss(answer, mine.targets) for answer in asked]
        together = torch.stack(losses, dim=-1).double().cpu()  # (M, b, N)
        found.append(together if model.members == 1 else together.sum(1, keepdim=True))
    every = torch.cat(found, dim=1)
    return (every if model.members == 1 else every.sum(1, keepdim=True) / len(batch)).numpy()
