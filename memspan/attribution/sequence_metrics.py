"""Loss, accuracy and exactness of each sequence by itself."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from memspan.attribution.blocks import answered, blocks
from memspan.attribution.selected_answer import TINY
from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Problem, Signature

SequenceMetrics = Mapping[str, Tensor]
"""Each of a signature's metrics, (M, B) float64."""


def sequence_metrics(signature: Signature, answers: Tensor, targets: Tensor) -> SequenceMetrics:
    """Of answers (M, B, K) or (M, B, T, K) to sequences with targets as a Batch has them.

    The loss is over all answers that are due, accuracy and exact over those that count.
    """
    targets = targets.to(answers.device)
    if signature.problem is Problem.REGRESSION:
        return {"loss": (answers - targets).square().flatten(2).double().mean(-1)}
    due = targets != IGNORED
    classes = torch.where(due, targets, 0).expand(answers.shape[0], *targets.shape)
    chance = answers.gather(-1, classes.unsqueeze(-1)).squeeze(-1)  # (M, B) or (M, B, T)
    losses = -chance.clamp_min(TINY).log().double()
    hits = torch.where(answers.isnan().any(-1), torch.nan, (answers.argmax(-1) == targets).double())
    if not signature.several:
        return {"loss": losses, "accuracy": hits}
    if signature.places:
        hit, loss = (torch.where(due, each, 0.0).sum(-1) / due.sum(-1) for each in (hits, losses))
        return {"loss": loss, "accuracy": hit, "exact": torch.where(due, hits, 1.0).amin(-1)}
    counted = hits[..., signature.answer_from :]
    return {"loss": losses.mean(-1), "accuracy": counted.mean(-1), "exact": counted.amin(-1)}


def metrics_of(model: Predictor, signature: Signature, batch: Batch) -> SequenceMetrics:
    """The metrics of a model's answers, asked in blocks."""
    each = max(batch.inputs[0].numel(), answered(model, signature))
    mine = [batch[part] for part in blocks(len(batch), each)]
    parts = [sequence_metrics(signature, model(part.inputs), part.targets) for part in mine]
    return {name: torch.cat([part[name] for part in parts], dim=1) for name in parts[0]}
