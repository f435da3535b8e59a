"""Attributions of many sequences as one curve by lag, scored against the relevant steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.attribution.relevance import roc_area
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.interfaces.readings import Curve
from memspan.statistics.band import Band, band
from memspan.statistics.estimate import Estimate, estimate, mean

Scores = Mapping[str, float | None]


@dataclass(frozen=True)
class Quantity:
    """What a curve's height is, and its unit."""

    label: str
    unit: str


def lag_curve(parts: Iterable[Tensor], selected: SelectedAnswer, mask: Tensor | None, quantity: Quantity) -> Curve:
    """The mean over sequences at each lag, from blocks of attributions (M, b, T), with the area under the ROC curve.

    Only steps up to the answer have a lag. Of several members only sums over sequences are kept.
    """
    sums, areas, count = [], [], 0
    for part in parts:
        sums.append(part if part.shape[0] == 1 else part.sum(1, keepdim=True, dtype=torch.float64))
        areas += [] if mask is None else [roc_area(part.abs(), mask)]
        count += part.shape[1]
    together = torch.cat(sums, dim=1)[..., : selected.step + 1].flip(-1).double().cpu()  # (M, S or blocks, lags)
    if together.shape[0] > 1:
        together = together.sum(1, keepdim=True) / count
    scores = mean_score("auc", torch.cat(areas, dim=1) if areas else None)
    return curve(tuple(range(selected.step + 1)), band(together.numpy()), quantity, scores)


def mean_score(name: str, each: Tensor | None) -> Scores:
    """The mean of a number of each sequence (M, S) with its interval, as scores; None where it has no meaning."""
    if each is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return estimated_score(name, estimate(each.double().cpu().numpy(), mean))


def estimated_score(name: str, found: Estimate) -> Scores:
    """An estimate as scores."""
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def curve(
    lags: tuple[float, ...],
    found: Band,
    quantity: Quantity,
    scores: Scores,
    x_label: str = "lag",
    baseline: float | None = None,
) -> Curve:
    """A band over lags as a curve."""
    y, low, high = (tuple(values.tolist()) for values in (found.value, found.low, found.high))
    return Curve(lags, y, low, high, found.n, x_label, quantity.label, "steps", quantity.unit, baseline, scores)
