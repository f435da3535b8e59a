"""All weights of a population in one matrix: a row for each member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from memspan.parts.network import Network


class Layout:
    """Where each named weight lies in a row of P numbers."""

    def __init__(self, network: Network) -> None:
        self._shapes = {name: weight.shape for name, weight in network.weights.items()}
        self._sizes = [torch.Size(shape).numel() for shape in self._shapes.values()]

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

    def gradients(self, gradients: Sequence[Tensor]) -> Tensor:
        """Gradients in the order of the weights, each (M, ...), as rows (M, P)."""
        return torch.cat([gradient.flatten(1) for gradient in gradients], dim=1)
