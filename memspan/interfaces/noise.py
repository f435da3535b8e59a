"""Randomness inside a network while it trains."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor


class Noise:
    """Draws for each member of a population from that member's own stream, so mates never matter."""

    def __init__(self, streams: Sequence[Generator], device: torch.device) -> None:
        self._streams, self._device = streams, device

    def keep(self, shape: tuple[int, ...], rate: float) -> Tensor:
        """Dropout's mask (M, *shape): 0 with probability ``rate``, else 1 / (1 - rate)."""
        drawn = torch.stack([torch.rand(shape, generator=stream) for stream in self._streams])
        return (drawn >= rate).float().div_(1 - rate).to(self._device)
