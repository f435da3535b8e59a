"""Attributions of sequences by lag behind each one's own answer, held against the steps that it depends on."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from memspan.attribution.answers import Answers
from memspan.attribution.lag_curve import Quantity, Scores, curve, lag_curve, mean_score
from memspan.attribution.relevance import relevant
from memspan.interfaces.readings import Curve
from memspan.statistics.ragged_band import ragged_band


def attribution_curve(parts: Iterable[Tensor], answers: Answers, quantity: Quantity) -> Curve:
    """Blocks of attributions (M, b, T) as a curve by lag, with what it comes to.

    Where a task tells on which steps each answer depends, ``auc`` is about those, and ``relevant`` and ``elsewhere``
    are the mean sizes at them and at all other steps up to the answer. Answers at steps that differ by sequence are
    laid over each other: each lag is a mean over the sequences whose answer is as late.
    """
    if not answers.task.tells_lags:
        return lag_curve(parts, answers.selected, relevant(answers.task, answers.length, answers.selected), quantity)
    relevance, steps, start = answers.relevant, answers.steps, 0
    sums, counts, sizes = [], [], []
    for part in parts:
        some = slice(start, start + part.shape[1])
        start = some.stop
        sizes.append(sizes_of(part.abs().cpu(), relevance[some], steps[some]))
        value, there = behind(part, steps[some])
        sums.append(value.cpu() if len(part) == 1 else value.sum(1, keepdim=True, dtype=torch.float64).cpu())
        counts.append(there.double() if len(part) == 1 else there.double().sum(0, keepdim=True))
    lags = int(steps.max()) + 1
    found = ragged_band(torch.cat(sums, dim=1)[..., :lags].double().numpy(), torch.cat(counts)[:, :lags].numpy())
    return curve(tuple(range(lags)), found, quantity, _scores(torch.cat(sizes, dim=1)))


def behind(values: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Values (M, B, T) by lag behind each sequence's own step (B,), 0 where that lies before the first step.

    Returns:
        values (M, B, lags), and whether there is one (B, lags).
    """
    places = steps.unsqueeze(1) - torch.arange(values.shape[2])  # (B, lags)
    there = places >= 0
    index = places.clamp_min(0).to(values.device).expand(len(values), -1, -1)
    return torch.where(there.to(values.device), values.gather(2, index), 0.0), there


def sizes_of(sizes: Tensor, relevance: Tensor, steps: Tensor) -> Tensor:
    """Of each sequence the area under the ROC curve, and the mean size at steps that count and at others, (M, B, 3).

    Only steps up to the answer are looked at; NaN where all of these count, or none does.

    Shapes:
        sizes (M, B, T), relevance (B, T), steps (B,).
    """
    up_to = torch.arange(sizes.shape[2]) <= steps.unsqueeze(1)
    counted, others = (relevance & up_to).double(), (~relevance & up_to).double()  # (B, T)
    each = sizes.double()
    pairs = counted.sum(1) * others.sum(1)
    above = torch.zeros(sizes.shape[:2], dtype=torch.float64)
    for own, seen in zip(
        _slots(each, relevance & up_to), _slots(counted.expand_as(each), relevance & up_to), strict=True
    ):
        above += seen * ((own.unsqueeze(-1) > each).double() + (own.unsqueeze(-1) == each) / 2).mul(others).sum(-1)
    area = torch.where(sizes.isnan().any(-1), torch.nan, above / pairs)
    there = torch.where(pairs > 0, 1.0, torch.nan)
    at, elsewhere = ((each * mask).sum(-1) / mask.sum(1) for mask in (counted, others))
    return torch.stack([area, at * there, elsewhere * there], dim=-1)


def _slots(values: Tensor, chosen: Tensor) -> list[Tensor]:
    """The values (M, B, T) at the chosen steps (B, T) of each sequence: its first one, its second one, ..., (M, B)."""
    most = int(chosen.sum(1).max())
    order = chosen.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :most]  # (B, most)
    there = chosen.gather(1, order)
    found = torch.where(there, values.gather(2, order.expand(len(values), -1, -1)), 0.0)
    return list(found.unbind(-1))


def _scores(sizes: Tensor) -> Scores:
    """Means over the sequences of which something can be said, of (M, B, 3)."""
    found: dict[str, float | None] = {}
    for name, each in zip(("auc", "relevant", "elsewhere"), sizes.unbind(-1), strict=True):
        known = ~each.isnan().all(0)
        found |= mean_score(name, each[:, known] if known.any() else None)
    return found
