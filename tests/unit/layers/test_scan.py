"""Recurrences and convolutions over all steps at once against their loops."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.layers.long_convolution import by_transforms, convolved, directly
from memspan.layers.scan import accumulated, scan


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=stream("drawn", *shape), dtype=torch.float64)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 16, 37, 100, 1_000])
def test_rows_add_up_to_the_recurrence(length: int, reverse: bool) -> None:
    """Float64 to 1e-12; factors of 0 and 1 among them."""
    factor, driven = drawn(2, 3, length, 4).sigmoid(), drawn(2, 3, length, 4, 1).squeeze(-1)
    factor[:, :, ::7] = 0.0
    factor[:, :, 3::7] = 1.0
    h, wanted = torch.zeros(2, 3, 4, dtype=torch.float64), torch.empty_like(driven)
    for t in reversed(range(length)) if reverse else range(length):
        h = factor[:, :, t] * h + driven[:, :, t]
        wanted[:, :, t] = h
    assert float((accumulated(factor, driven, reverse) - wanted).abs().max()) < 1e-12


def test_it_takes_as_many_turns_as_the_root_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """2 (sqrt(T) - 1) of them, counted by its fused multiplications."""
    turns: list[int] = []
    once = Tensor.addcmul_

    def counted(self: Tensor, *others: Tensor) -> Tensor:
        turns.append(self.numel())
        return once(self, *others)

    monkeypatch.setattr(Tensor, "addcmul_", counted)
    accumulated(drawn(1, 1, 400, 1), drawn(1, 1, 400, 1))
    assert turns == [20] * 19 + [20] * 19


@pytest.mark.parametrize("length", [1, 2, 9, 30])
def test_its_slopes_are_those_of_the_loop(length: int) -> None:
    factor = drawn(1, 2, length, 3).sigmoid().requires_grad_()
    driven = drawn(1, 2, length, 3, 2)[..., 0].clone().requires_grad_()
    assert torch.autograd.gradcheck(scan, (factor, driven))


def test_factors_of_many_dimensions_are_spread_before_they_are_used() -> None:
    factor, driven = drawn(1, 2, 9, 3, 1).sigmoid(), drawn(1, 2, 9, 3, 4)
    assert torch.allclose(scan(factor, driven), scan(factor.expand_as(driven).clone(), driven), rtol=1e-14, atol=0)


@pytest.mark.parametrize("length", [1, 2, 31, 128, 129, 300])
def test_a_long_convolution_is_its_direct_sum(length: int) -> None:
    """Float64 to 1e-12: either way, and so across the length where one takes over from the other."""
    x, kernel = drawn(2, 3, length, 2), drawn(2, 2, length)
    wanted = torch.stack(
        [sum(kernel[:, None, :, t - s] * x[:, :, s] for s in range(t + 1)) for t in range(length)], dim=2
    )
    for way in (convolved, directly, by_transforms):
        assert float((way(x, kernel) - wanted).abs().max()) < 1e-12 * length


def test_a_tap_of_a_kernel_acts_on_its_lag_alone() -> None:
    x, kernel = drawn(1, 2, 10, 3), torch.zeros(1, 3, 10, dtype=torch.float64)
    kernel[:, 1, 4] = 2.0
    found = convolved(x, kernel)
    assert torch.equal(found[:, :, 4:, 1], 2 * x[:, :, :6, 1])
    assert not found[..., [0, 2]].any()
    assert not found[:, :, :4].any()


def test_transforms_let_nothing_round_the_end_and_next_to_nothing_back_in_time() -> None:
    """Float32, 200 steps: what a later step changes before itself is rounding, 1e-6 of it and less."""
    x, kernel = drawn(1, 2, 200, 3).float(), drawn(1, 3, 200).float()
    later = x.clone()
    later[:, :, 150:] += 1
    moved = (convolved(later, kernel) - convolved(x, kernel)).abs()
    assert float(moved[:, :, :150].max()) < 1e-5 * float(moved.max())
