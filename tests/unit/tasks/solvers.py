"""Answers of hand-written rules to sequences of tokens, to hold tasks and their ceilings against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from memspan.interfaces.batch import IGNORED, Batch

Rule = Callable[[Sequence[int]], int]
"""The tokens up to an answer's own step, as many as the rule may see -> an answer"""


def accuracy(batch: Batch, rule: Rule, window: int | None = None) -> float:
    """Share of the marked answers that a rule gets right which sees the last ``window`` steps."""
    tokens = batch.inputs[..., 0].long().numpy()
    targets = batch.targets.numpy()
    if targets.ndim == 1:
        wanted = np.full(tokens.shape, IGNORED)
        wanted[:, -1] = targets
        targets = wanted
    right = [
        rule(tokens[row, 0 if window is None else max(0, step - window + 1) : step + 1].tolist()) == targets[row, step]
        for row, step in zip(*np.nonzero(targets != IGNORED), strict=True)
    ]
    return float(np.mean(right))


def no_overlap(first: Batch, second: Batch) -> bool:
    """Whether two sets of sequences have none in common."""
    one, other = ({row.numpy().tobytes() for row in each.inputs} for each in (first, second))
    return not one & other


def shown_as_targets(batch: Batch) -> float:
    """Share of answers that are the token of their own step."""
    due = batch.targets != IGNORED
    return float((batch.inputs[..., 0].long() == batch.targets)[due].double().mean())


def tokens(batch: Batch) -> torch.Tensor:
    """(B, T)."""
    return batch.inputs[..., 0].long()
