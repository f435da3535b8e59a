"""Root-mean-square normalisation."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

EPSILON = 1e-5
"""what keeps a vector of zeros finite"""


def rms_norm(x: Tensor, gain: Tensor | None = None) -> Tensor:
    """x / sqrt(mean(x²) + ε) ⊙ g over the last axis of (M, ..., d), with g (M, d); without one, of length sqrt(d).

    Source:
        Zhang & Sennrich (2019), arXiv 1910.07467.
    """
    normal = functional.rms_norm(x, x.shape[-1:], eps=EPSILON)
    return normal if gain is None else normal * gain.view(len(gain), *(1,) * (x.dim() - 2), -1)
