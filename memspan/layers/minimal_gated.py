"""What minimal gated units, minGRU and minLSTM, have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

Candidate = Annotated[
    Literal["linear", "positive"],
    Field(description="linear: h̃ as it is; positive: g(h̃) = h̃ + 1/2 for h̃ >= 0, else σ(h̃), as the log-space form has"),
]


def positive(x: Tensor) -> Tensor:
    """x + 1/2 for x >= 0, else σ(x): above 0, so that its logarithm exists.

    Source:
        Feng et al. (2024), arXiv 2410.01201, appendix B.
    """
    return torch.relu(x) + torch.sigmoid(torch.clamp(x, max=0.0))


CANDIDATES: dict[str, Callable[[Tensor], Tensor]] = {"linear": lambda x: x, "positive": positive}
"""What the new content is made of, elementwise, by name."""
