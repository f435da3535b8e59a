"""The largest gradient of a landscape, which a grid alone steps over: walls are thinner than any grid is fine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

EDGES = 8
"""edges of the grid that are looked into: those across which the loss jumps most"""
PIECES = 8
"""pieces that an edge is cut into, again and again"""
THINNEST = 1e-13
"""length of an edge, in units of its axis, at which the search ends: double precision tells no finer walls apart"""

Look = Callable[[Tensor], tuple[Tensor, Tensor]]
"""offsets (G, D) -> losses (G, B) and the gradient of their mean (G, D)"""


@dataclass(frozen=True)
class LargestGradient:
    """Where the gradient is longest, and how long it is there, at least."""

    length: float
    offset: Tensor


def largest_gradient(
    look: Look, offsets: Tensor, loss: Tensor, gradients: Tensor, shape: tuple[int, ...]
) -> LargestGradient:
    """The longest gradient on a grid and inside the edges of it that the loss jumps across.

    Each edge is cut into parts, and the part with the largest jump is cut again: the mean slope of a part is a lower
    bound of the largest slope in it, so the search climbs to a wall that lies between two points of the grid. A wall
    that is too thin for any number to lie inside it is as steep as its jump over the thinnest part, at least.

    Shapes:
        offsets (G, D) and loss (G,), gradients (G, D) at the points of a grid of ``shape``, the last axis fastest.
    """
    best = _longest(offsets, gradients)
    starts, ends = _jumps(offsets, loss, shape)
    while len(starts) and float((ends - starts).norm(dim=-1).max()) > THINNEST:
        steps = torch.linspace(0, 1, PIECES + 1, dtype=offsets.dtype).view(-1, 1, 1)
        points = starts + steps * (ends - starts)  # (P + 1, E, D)
        found, slopes = look(points.flatten(0, 1))
        jumps = found.mean(1).view(PIECES + 1, -1).diff(dim=0).abs().nan_to_num(-1.0)  # (P, E)
        part, edges = jumps.argmax(0), torch.arange(jumps.shape[1])
        starts, ends = points[part, edges], points[part + 1, edges]
        mean = (jumps[part, edges] / (ends - starts).norm(dim=-1)).unsqueeze(-1)
        seen = (_longest(points.flatten(0, 1), slopes), _longest(starts, mean))
        best = max(best, *seen, key=lambda place: place.length)
    return best


def _longest(offsets: Tensor, gradients: Tensor) -> LargestGradient:
    lengths = gradients.norm(dim=-1)
    where = int(torch.where(lengths.isfinite(), lengths, -1.0).argmax())
    return LargestGradient(float(lengths[where]), offsets[where])


def _jumps(offsets: Tensor, loss: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Both ends of the edges with the largest jumps, each (E, D)."""
    grid = torch.arange(len(loss)).view(shape)
    pairs = [_neighbours(grid, axis) for axis in range(len(shape)) if shape[axis] > 1]
    first, second = (torch.cat(side) for side in zip(*pairs, strict=True))
    jump = (loss[first] - loss[second]).abs().nan_to_num(-1.0)
    chosen = jump.topk(min(EDGES, len(jump))).indices
    return offsets[first[chosen]], offsets[second[chosen]]


def _neighbours(grid: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    size = grid.shape[axis]
    return grid.narrow(axis, 0, size - 1).flatten(), grid.narrow(axis, 1, size - 1).flatten()
