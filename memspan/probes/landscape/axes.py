"""Axes of a landscape: directions in the space of a network's weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from memspan.interfaces.network import Network, Weights

RANDOM = "filter_normalised"
ONE_NUMBER = re.compile(r"(?P<weight>[a-z][a-z0-9_.]{0,79})\[(?P<index>\d{1,9})\]")
"""One number of one weight, counted in the order in which the weight is stored, e.g. ``layer0.recurrent[0]``."""

WeightDirection = Mapping[str, Tensor]
"""How far each weight moves for one step along the axis, without a member axis, float64."""


@dataclass(frozen=True)
class Axis:
    """One axis of a landscape.

    Attributes:
        name: as it is written beside the axis.
        origin: its coordinate where the weights stand: the number's own value, or 0 for a random direction.
        values: coordinates that are looked at, (P,) float64.
    """

    name: str
    direction: WeightDirection
    origin: float
    values: Tensor


def misnamed(name: str, network: Network) -> str | None:
    """What is wrong with the name of an axis, as the end of a sentence; None where nothing is."""
    found = ONE_NUMBER.fullmatch(name)
    if found is None:
        return None
    weight, index = found["weight"], int(found["index"])
    if weight not in network.weights:
        return f"there is no weight {weight}, but {', '.join(network.weights)}"
    count = torch.Size(network.weights[weight].shape).numel()
    return None if index < count else f"{weight} has the numbers 0 to {count - 1}, given {index}"


def one_number(weights: Weights, name: str) -> tuple[WeightDirection, float]:
    """The direction of one number of one weight (1, ...), and its value."""
    found = ONE_NUMBER.fullmatch(name)
    if found is None:
        raise ValueError(f"{name} names no number of a weight")
    direction = {key: torch.zeros_like(value[0]) for key, value in weights.items()}
    direction[found["weight"]].view(-1)[int(found["index"])] = 1
    return direction, float(weights[found["weight"]][0].reshape(-1)[int(found["index"])])


def filter_normalised(weights: Weights, rng: Generator) -> WeightDirection:
    """A random direction in which the weights into each unit have the length of the weights that are there.

    A step of 1 so is as large as what has been learnt, for every unit. A vector, such as a bias, counts as one unit.

    Source:
        Li, Xu, Taylor, Studer & Goldstein (2018), arXiv 1712.09913, section 4.
    """
    return {name: _normalised(value[0], rng) for name, value in weights.items()}


def _normalised(weight: Tensor, rng: Generator) -> Tensor:
    drawn = torch.randn(weight.shape, generator=rng, dtype=torch.float64).to(weight.device)
    axes = tuple(range(weight.dim() - 1)) or (0,)  # a unit is a column
    scaled: Tensor = drawn * (weight.norm(dim=axes, keepdim=True) / drawn.norm(dim=axes, keepdim=True))
    return scaled
