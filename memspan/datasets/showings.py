"""When something was shown last."""

from __future__ import annotations

import torch
from torch import Tensor


def last_showing(names: Tensor, shown: Tensor) -> Tensor:
    """The last earlier place with the same name, (B, P); -1 where there is none.

    Args:
        names: whole numbers (B, P).
        shown: which places show something, (B, P); others are never found, and find nothing.
    """
    places = torch.arange(names.shape[1])
    same = (names.unsqueeze(2) == names.unsqueeze(1)) & shown.unsqueeze(2) & shown.unsqueeze(1)
    earlier = places.unsqueeze(0) < places.unsqueeze(1)  # (P, P): column before row
    return torch.where(same & earlier, places, -1).amax(-1)
