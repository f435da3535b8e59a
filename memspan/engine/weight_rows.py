"""All weights of a population in one matrix: a row for each member."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

import torch
from torch import Tensor

from memspan.interfaces.network import Network


@dataclass(frozen=True)
class Stretch:
    """Gradients of some weights that lie side by side.

    Attributes:
        first: place of the first one in a row.
        values: (M, n).
    """

    first: int
    values: Tensor

    def of(self, rows: Tensor) -> Tensor:
        """The same places of other rows: (M, P) -> (M, n), a view."""
        return rows[:, self.first : self.first + self.values.shape[1]]


class WeightRows:
    """Where each named weight lies in a row of P numbers."""

    def __init__(self, network: Network) -> None:
        self._shapes = {name: weight.shape for name, weight in network.weights.items()}
        self._sizes = [torch.Size(shape).numel() for shape in self._shapes.values()]

    @property
    def places(self) -> dict[str, int]:
        """Where each weight begins."""
        return dict(zip(self._shapes, accumulate(self._sizes, initial=0), strict=False))

    def marked(self, names: Collection[str]) -> Tensor:
        """Which numbers of a row belong to some weights, (P,) booleans."""
        return torch.cat(
            [torch.full((size,), name in names) for name, size in zip(self._shapes, self._sizes, strict=True)]
        )

    def row(self, weights: Mapping[str, Tensor]) -> Tensor:
        """One member's weights as a vector (P,)."""
        return torch.cat([weights[name].reshape(-1) for name in self._shapes])

    def named(self, rows: Tensor) -> dict[str, Tensor]:
        """Views of rows (M, P), or of one vector (P,), by name: each (M, ...) or (...)."""
        parts = rows.split(self._sizes, dim=-1)
        return {
            name: part.unflatten(-1, shape) if shape else part.squeeze(-1)
            for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    def stretches(self, gradients: Sequence[Tensor | None]) -> list[Stretch]:
        """Gradients in the order of the weights, each (M, ...), None where a weight is used nowhere."""
        found = []
        for used, some in groupby(
            zip(self.places.values(), gradients, strict=True), key=lambda each: each[1] is not None
        ):
            if used:
                own = list(some)
                values = torch.cat([part.reshape(len(part), -1) for _, part in own if part is not None], 1)
                found.append(Stretch(own[0][0], values))
        return found
