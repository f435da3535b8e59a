"""Losses and accuracies of a population."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from memspan.interfaces.signature import Problem, Signature

PLACES = "places"
"""what is counted beside the metrics where answers are due at marked steps: how many there were"""


def tallied(signature: Signature) -> tuple[str, ...]:
    """What is added up over sequences so that the means of all metrics follow."""
    return (*signature.metrics, PLACES) if signature.places else signature.metrics


def due(signature: Signature, targets: Tensor) -> Tensor | None:
    """The marked steps of each sequence (..., Q), in their order; those of some others where there are fewer.

    None where answers are due at the same steps of all sequences.
    """
    if not signature.places:
        return None
    unmarked = (targets < 0).to(torch.uint8)
    return unmarked.sort(dim=-1, stable=True).indices[..., : signature.places]


def losses(problem: Problem, outputs: Tensor, targets: Tensor, marked: bool = False) -> Tensor:
    """Mean loss of each member (M,): mean squared error, or cross-entropy in nats, over all answers that are due.

    Shapes:
        outputs (M, B, K) or (M, B, T, K); targets the same, or class numbers (M, B) or (M, B, T).

    Args:
        marked: whether some of the targets are ignored; where all are, the loss is 0.
    """
    if problem is Problem.REGRESSION:
        return (outputs - targets).square().flatten(1).mean(1)
    if marked:
        summed, places = _marked_losses(outputs, targets)
        return summed / places.clamp_min(1)
    chosen = outputs.log_softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # (M, B) or (M, B, T)
    return -chosen.flatten(1).mean(1)


def _marked_losses(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The summed loss of each member (M,) over the targets that aren't ignored, and how many these are (M,)."""
    there = targets >= 0
    chosen = outputs.log_softmax(-1).gather(-1, targets.clamp_min(0).unsqueeze(-1)).squeeze(-1)
    return -torch.where(there, chosen, 0.0).flatten(1).sum(1), there.flatten(1).sum(1)


def right(signature: Signature, outputs: Tensor, targets: Tensor) -> Tensor:
    """1 where the likeliest class is the true one, NaN where an output is; the answers that count, (M, B, A)."""
    hits = torch.where(outputs.isnan().any(-1), torch.nan, (outputs.argmax(-1) == targets).float())
    return hits[..., signature.answer_from :] if signature.several else hits.unsqueeze(-1)


def marked_right(outputs: Tensor, targets: Tensor) -> Tensor:
    """1 where the likeliest class is the true one, NaN where an output is, and 1 where the target is ignored."""
    hits = torch.where(outputs.isnan().any(-1), torch.nan, (outputs.argmax(-1) == targets).float())
    return torch.where(targets < 0, 1.0, hits)


def added(signature: Signature, outputs: Tensor, targets: Tensor) -> Iterator[tuple[str, Tensor, int]]:
    """What some sequences add to each of ``tallied``: its name, numbers (M,), and what they are to be multiplied with.

    Args:
        outputs, targets: at the marked steps alone, (M, B, Q, K) and (M, B, Q), where a signature has such.
    """
    if not signature.places:
        for name, values in scores(signature, outputs, targets).items():
            yield name, values, targets.shape[1]
        return
    loss, places = _marked_losses(outputs, targets)
    hits = marked_right(outputs, targets)
    yield "loss", loss, 1
    yield "accuracy", hits.flatten(1).double().sum(1) - (targets < 0).flatten(1).sum(1), 1
    yield "exact", hits.amin(-1).double().sum(1), 1
    yield PLACES, places, 1


def means(totals: Mapping[str, Tensor], sequences: int) -> dict[str, list[float]]:
    """Every metric of each member, of what was added up over so many sequences.

    Loss and accuracy are means over all answers that were due: over sequences, and where these differ in how many
    they have, over marked steps.
    """
    places = totals.get(PLACES)
    return {
        name: (total / (sequences if places is None or name == "exact" else places)).tolist()
        for name, total in totals.items()
        if name != PLACES
    }


def scores(signature: Signature, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Each of ``signature.metrics`` of each member (M,); shapes as in ``losses``."""
    found = {"loss": losses(signature.problem, outputs, targets)}
    if signature.problem is Problem.CLASSIFICATION:
        hits = right(signature, outputs, targets)
        found["accuracy"] = hits.flatten(1).mean(1)
        if signature.several:
            found["exact"] = hits.amin(-1).mean(1)
    return found
