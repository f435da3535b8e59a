"""Attributions held against the steps that a task declares relevant."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.attribution.selected_answer import SelectedAnswer
from memspan.interfaces.task import TaskSpec


def relevant(task: TaskSpec, length: int, selected: SelectedAnswer) -> Tensor | None:
    """Which steps count, (T,) booleans; None where there is nothing to tell apart.

    The steps that a task publishes are those of its last answer: another answer has no reference.
    """
    mask = torch.zeros(selected.signature.length, dtype=torch.bool)
    mask[list(task.relevant_steps(length))] = True
    return mask if selected.last and mask.any() and not mask.all() else None


def roc_area(sizes: Tensor, mask: Tensor) -> Tensor:
    """Area under the ROC curve of each sequence's sizes (..., T): the chance that a relevant step has the larger one.

    Ties count one half, so attributions that are all equal score .5. NaN where a size is NaN.

    Source:
        Mann & Whitney (1947), Annals of Mathematical Statistics 18(1): the area is U / (n1 n2).
    """
    mine, others = sizes[..., mask].contiguous(), sizes[..., ~mask].sort(-1).values
    below = torch.searchsorted(others, mine)
    not_above = torch.searchsorted(others, mine, right=True)
    found = (below + not_above).double().mean(-1) / (2 * others.shape[-1])
    return torch.where(sizes.isnan().any(-1), torch.nan, found)
