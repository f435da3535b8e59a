"""Memory that is used again and again: fresh pages would cost as much as a tenth of a training step."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class BufferPool:
    """Float32 memory, lent out and given back. It holds as much as was ever lent at once."""

    def __init__(self) -> None:
        self._free: list[Tensor] = []

    def lend(self, *shape: int) -> Tensor:
        """A tensor whose numbers are anything."""
        count = math.prod(shape)
        fitting = [index for index, flat in enumerate(self._free) if flat.numel() >= count]
        if fitting:
            flat = self._free.pop(min(fitting, key=lambda index: self._free[index].numel()))
        else:
            del self._free[:1]  # too small, as all are; what is asked for replaces it
            flat = torch.empty(count)
        return flat[:count].view(shape)

    def take_back(self, *tensors: Tensor) -> None:
        """Give tensors back that nobody reads any more."""
        for tensor in tensors:
            whole = tensor if tensor._base is None else tensor._base
            self._free.append(whole.view(-1))
        self._free.sort(key=Tensor.numel)
