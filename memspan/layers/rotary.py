"""Rotary positions: pairs of numbers turned by an angle that grows with the step."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

SLOWEST = 10_000.0
"""base of the wave lengths, in steps"""


def turned(x: Tensor) -> Tensor:
    """Pairs (i, i + e/2) of each step turned by t 10000^(-2i/e), (..., T, e) with e even; t = 0 at the first step.

    A product of two turned vectors depends on how far apart they are alone.

    Source:
        Su et al. (2021), arXiv 2104.09864; pairs as in GPT-NeoX: the halves of a vector, not its neighbours.
    """
    cosine, sine = _waves(x.shape[-2], x.shape[-1], x.dtype, x.device)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


@lru_cache(maxsize=64)
def _waves(steps: int, size: int, kind: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """cos and sin of each step's angles, (T, e/2); computed in double precision."""
    with torch.inference_mode(False):
        rates = SLOWEST ** (-2 * torch.arange(size // 2, dtype=torch.float64) / size)
        angles = torch.arange(steps, dtype=torch.float64)[:, None] * rates
        return angles.cos().to(device, kind), angles.sin().to(device, kind)
