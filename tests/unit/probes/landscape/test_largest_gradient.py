"""Where a landscape is steepest."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from memspan.probes.landscape.largest_gradient import LargestGradient, Look, largest_gradient

WALL = 0.123456789


def wall(steepness: float) -> Look:
    """A logistic step of height 1 across x = WALL, whose slope there is a quarter of ``steepness``."""

    def look(offsets: Tensor) -> tuple[Tensor, Tensor]:
        height = torch.sigmoid(steepness * (offsets[:, :1] - WALL))
        slope = steepness * height * (1 - height)
        return height, torch.cat([slope, torch.zeros_like(slope)], dim=1)

    return look


def found(look: Look, points: int = 21) -> LargestGradient:
    axis = torch.linspace(-1, 1, points, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    loss, gradients = look(grid)
    return largest_gradient(look, grid, loss.mean(1), gradients, (points, points))


@pytest.mark.parametrize("steepness", [10.0, 1e3, 1e6, 1e9])
def test_a_wall_between_two_points_of_the_grid_is_found(steepness: float) -> None:
    place = found(wall(steepness))
    assert place.length == pytest.approx(steepness / 4, rel=0.2)
    assert float(place.offset[0]) == pytest.approx(WALL, abs=2 / steepness + 0.1 * (steepness < 100))


def test_a_wall_thinner_than_any_number_is_as_steep_as_its_jump_over_the_thinnest_part() -> None:
    assert found(wall(1e30)).length > 1e12


def test_a_plain_without_a_wall_has_its_own_slope() -> None:
    def plain(offsets: Tensor) -> tuple[Tensor, Tensor]:
        return 3 * offsets[:, :1], torch.tensor([[3.0, 0.0]], dtype=torch.float64).expand(len(offsets), 2)

    assert found(plain, points=3).length == pytest.approx(3.0)


def test_losses_that_are_no_number_are_stepped_over() -> None:
    def broken(offsets: Tensor) -> tuple[Tensor, Tensor]:
        height, slope = wall(1e3)(offsets)
        gone = offsets[:, :1] < -0.5
        return height.masked_fill(gone, torch.nan), slope.masked_fill(gone, torch.nan)

    assert found(broken).length == pytest.approx(250, rel=0.2)
