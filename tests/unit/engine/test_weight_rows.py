"""Gradients as stretches of the rows of a population."""

from __future__ import annotations

import torch

from memspan.engine.weight_rows import WeightRows
from memspan.interfaces.network import Network, Weight
from memspan.layers.initializers import zeros


def network(**shapes: tuple[int, ...]) -> Network:
    weights = {name: Weight(shape, zeros) for name, shape in shapes.items()}
    return Network(weights, lambda _, inputs: inputs, 0, receptive_field=None, any_length=True)


def test_gradients_that_lie_side_by_side_are_one_piece_and_unused_weights_none() -> None:
    layout = WeightRows(network(a=(2, 3), b=(4,), c=(5,), d=(1,), e=()))
    a, b, d, e = torch.ones(2, 2, 3), torch.full((2, 4), 2.0), torch.full((2, 1), 4.0), torch.full((2,), 5.0)
    stretches = layout.stretches([a, b, None, d, e])
    assert [stretch.first for stretch in stretches] == [0, 15]
    assert stretches[0].values.tolist() == [[1.0] * 6 + [2.0] * 4] * 2
    assert stretches[1].values.tolist() == [[4.0, 5.0]] * 2
    rows = torch.arange(34).view(2, 17)
    assert stretches[1].of(rows).tolist() == [[15, 16], [32, 33]]


def test_a_whole_gradient_is_one_piece() -> None:
    (stretch,) = WeightRows(network(a=(2,), b=(3,))).stretches([torch.zeros(1, 2), torch.zeros(1, 3)])
    assert (stretch.first, tuple(stretch.values.shape)) == (0, (1, 5))
