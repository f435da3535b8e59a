"""State spaces, fixed and selective, against their equations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from memspan.engine.seeds import stream
from memspan.layers.diagonal_state_space import DiagonalStateSpace
from memspan.layers.selective_state_space import SelectiveStateSpace, first_times, selective_scan
from memspan.models import build
from memspan.models.mamba import Mamba
from memspan.models.s4d import S4D
from tests.unit.models.networks import regression


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=stream("drawn", *shape), dtype=torch.float64)


def started(mixer: DiagonalStateSpace) -> dict[str, Tensor]:
    """One member's weights, float64."""
    return {name: weight.start(weight.shape, stream(name))[None].double() for name, weight in mixer.weights().items()}


@pytest.mark.parametrize("linear", [False, True])
def test_a_kernel_is_that_of_a_held_input(linear: bool) -> None:
    """dh/dt = A h + u of a step of height 1 and of length Δ, in 4 000 small Euler steps: to 1e-3; read from then on."""
    mixer = DiagonalStateSpace(2, 4, linear, 0)
    weights = started(mixer)
    kernel = mixer.kernel(weights, 6)[0]
    out = weights["C"][0]
    rates = -torch.exp(weights["decay"][0])
    if linear:
        rates, out = torch.complex(rates, weights["frequency"][0]), 2 * torch.complex(out[:, ::2], out[:, 1::2])
    time, h = torch.exp(weights["step"][0])[:, None], torch.zeros_like(rates)
    small = time / 4_000
    for _ in range(4_000):
        h = h + small * (rates * h + 1)
    for lag in range(6):
        wanted = (out * torch.exp(rates * time * lag) * h).sum(-1).real
        assert torch.allclose(kernel[:, lag], wanted, rtol=1e-3, atol=1e-6)


def test_states_start_at_the_published_rates() -> None:
    real, linear = DiagonalStateSpace(3, 4, False, 0), DiagonalStateSpace(3, 4, True, 0)
    assert torch.allclose(torch.exp(started(real)["decay"])[0, 2], torch.tensor([1.0, 2, 3, 4]).double())
    assert torch.allclose(torch.exp(started(linear)["decay"]), torch.tensor(0.5).double())
    assert torch.allclose(started(linear)["frequency"][0, 1], torch.tensor([0.0, math.pi]).double())


def test_steps_of_time_start_log_uniform() -> None:
    """n = 20 000 each, Kolmogorov distance < .0194 (p < 1e-6); through softplus for a selective one."""
    fixed = DiagonalStateSpace(20_000, 2, False, 0).weights()["step"].start((20_000,), stream("fixed"))
    selective = torch.log(softplus(first_times((20_000,), stream("selective")).double()))
    ranks = torch.arange(1, 20_001) / 20_000
    for sample in (fixed.double(), selective):
        share = (sample.sort().values - math.log(0.001)) / math.log(100)
        assert float((share - ranks).abs().max()) < 0.0194


@pytest.mark.parametrize("length", [1, 6, 40])
def test_a_selective_scan_has_the_closed_form(length: int) -> None:
    """y_t = Σ_{s <= t} Σ_n C_n,t exp(A_n (c_t - c_s)) B_n,s Δ_s u_s with c = cumsum Δ, float64 to 1e-12."""
    u, time = drawn(2, 3, length, 4), softplus(drawn(2, 3, length, 4, 1).squeeze(-1))
    rates, into, out = -torch.exp(drawn(2, 4, 5)), drawn(2, 3, length, 5), drawn(2, 3, length, 5, 1).squeeze(-1)
    c = time.cumsum(2)
    gone = (c[:, :, :, None] - c[:, :, None])[..., None] * rates[:, None, None, None]  # (M, B, T, S, E, N)
    seen = torch.ones(length, length, dtype=torch.bool).tril()[:, :, None, None]
    shares = torch.exp(gone.masked_fill(~seen, -torch.inf))
    wanted = torch.einsum("mbtn,mbtsen,mbsn,mbse,mbse->mbte", out, shares, into, time, u)
    assert torch.allclose(selective_scan(u, time, rates, into, out), wanted, rtol=1e-12, atol=1e-12)


def test_it_counts_the_numbers_of_s4d_and_its_state() -> None:
    """N + N + 2 a channel, then a gated layer of 2 d² + 2 d."""
    signature = regression(20, channels=3, outputs=5)
    ends = (3 * 8 + 8) + 8 + (8 * 5 + 5)
    for spec in (S4D(hidden_size=8, state_size=6), S4D(hidden_size=8, state_size=6, initialization="linear")):
        network = build(spec, signature)
        assert network.parameters == ends + 2 * (8 + 8 * (6 + 6 + 2) + 2 * 64 + 16)
        assert network.state_size == 2 * 8 * 6
    assert build(S4D(hidden_size=8, short_convolution=3), signature).state_size == 2 * (8 * 16 + 2 * 8)


def test_it_counts_the_numbers_of_mamba_and_its_state() -> None:
    """2 d E + E (k + 1) + E (R + 2 N) + E (R + 1) + E N + E + E d a block: 8 384 for d = 32, N = 8."""
    signature = regression(20, channels=3, outputs=5)
    network = build(Mamba(hidden_size=32, state_size=8, layers=3), signature)
    assert network.parameters == (3 * 32 + 32) + 3 * (8_384 + 32) + 32 + (32 * 5 + 5)
    assert network.state_size == 3 * (64 * 8 + 3 * 64)
    published = Mamba(hidden_size=768, layers=24)
    assert build(published, regression(2)).parameters == pytest.approx(24 * 3.77e6, rel=0.03)  # 130m less its tokens


def test_a_selective_mixer_tells_its_gates() -> None:
    """exp(Δ A) of each of the E N states lies in 0 .. 1, and is what the walk through time multiplies by."""
    mixer = SelectiveStateSpace(4, 3, 2)
    weights = {
        name: weight.start(weight.shape, stream(name))[None].double() for name, weight in mixer.weights().items()
    }
    x = drawn(1, 2, 5, 4)
    shares = mixer.keep(weights, x)
    assert shares.shape == (1, 2, 5, 8 * 3)
    assert bool(((shares > 0) & (shares < 1)).all())
    carried = mixer.first(weights, 2)
    for t in range(4):
        carried = mixer.step(weights, x[:, :, t], carried)[1]
    moved = tuple(each + (index == 0) for index, each in enumerate(carried))  # each state one higher
    ends = [mixer.step(weights, x[:, :, 4], each)[1][0] for each in (carried, moved)]
    assert torch.allclose((ends[1] - ends[0]).flatten(2), shares[:, :, 4], rtol=1e-9)
