"""Integrated gradients: slopes averaged on the straight way from nothing to the input."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from memspan.attribution.size import blocks, carried
from memspan.attribution.slopes import TAPED_VALUES, slopes
from memspan.attribution.watched import Watched
from memspan.interfaces.batch import Batch
from memspan.interfaces.predictor import Predictor


def integrated(model: Predictor, batch: Batch, watched: Watched, points: int, budget: int = TAPED_VALUES) -> Tensor:
    """x times the integral over a in 0..1 of dy/dx at a x, by Gauss-Legendre with ``points`` nodes; (M, B, T, C).

    Source:
        Sundararajan, Taly & Yan (2017), arXiv 1703.01365, equation 1, with the baseline 0.
    """
    nodes, shares = gauss_legendre(points)
    count, steps, channels = batch.inputs.shape
    total = torch.zeros(())
    for part in blocks(points, count * carried(model, steps, channels), budget):
        path = Batch(_scaled(batch.inputs, nodes[part]), torch.cat([batch.targets] * len(nodes[part])))
        found = slopes(model, path, watched, budget).unflatten(1, (-1, count))  # (M, P, B, T, C)
        total = total + torch.tensordot(shares[part].to(found), found, dims=([0], [1]))
    return total * batch.inputs.to(total)


def gauss_legendre(points: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights (P,) of the Gauss-Legendre rule on 0..1; exact for polynomials of degree 2 P - 1."""
    nodes, shares = np.polynomial.legendre.leggauss(points)
    return torch.from_numpy((nodes + 1) / 2).float(), torch.from_numpy(shares / 2).float()


def _scaled(inputs: Tensor, factors: Tensor) -> Tensor:
    """Every factor times every sequence: (P B, T, C)."""
    return (factors.view(-1, 1, 1, 1) * inputs).flatten(0, 1)
