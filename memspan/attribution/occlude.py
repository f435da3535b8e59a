"""Occlusion: what changes when a window of steps is replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from memspan.attribution.size import answered, blocks
from memspan.interfaces.batch import Batch
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Signature

Compare = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(answers to the windows' inputs, answers to the whole ones, targets) -> (M, B)"""


def windows(steps: int, window: int, stride: int) -> list[slice]:
    """Windows of ``window`` steps, ``stride`` apart; every step lies in one at least, and the last may be shorter."""
    count = max(0, -(-(steps - window) // stride)) + 1
    return [slice(place * stride, min(place * stride + window, steps)) for place in range(count)]


def occluded(
    model: Predictor, batch: Batch, fill: Tensor, places: Sequence[slice], compare: Compare, signature: Signature
) -> Tensor:
    """What ``compare`` finds for each window, given to its steps; a step in several gets their mean, (M, B, T).

    Shapes:
        fill (B, T, C): what stands in the windows' place.

    Source:
        Zeiler & Fergus (2014), arXiv 1311.2901; windows and their mean as ``Occlusion`` of Captum has them.
    """
    whole = model(batch.inputs)
    count, steps, _ = batch.inputs.shape
    total, cover = torch.zeros(model.members, count, steps, dtype=torch.float64), torch.zeros(steps)
    for window, answer in shown(model, batch.inputs, fill, places, signature):
        total[..., window] += compare(answer, whole, batch.targets).double().cpu().unsqueeze(-1)
        cover[window] += 1
    return total / cover


def shown(
    model: Predictor, inputs: Tensor, fill: Tensor, places: Sequence[slice], signature: Signature
) -> Iterator[tuple[slice, Tensor]]:
    """Each window with the answers to the sequences whose steps in it come from ``fill``; many are asked at once."""
    each = max(inputs.numel(), len(inputs) * answered(model, signature))
    for part in blocks(len(places), each):
        chosen = places[part]
        answers = model(replaced(inputs, fill, chosen)).unflatten(1, (len(chosen), len(inputs)))  # (M, P, B, ...)
        yield from zip(chosen, answers.unbind(1), strict=True)


def replaced(inputs: Tensor, fill: Tensor, places: Sequence[slice]) -> Tensor:
    """The sequences once for each window, with its steps taken from ``fill``: (P B, T, C)."""
    copies = inputs.repeat(len(places), 1, 1, 1)
    for copy, window in zip(copies, places, strict=True):
        copy[:, window] = fill[:, window]
    return copies.flatten(0, 1)
