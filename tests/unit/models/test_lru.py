"""Linear recurrent units against their equations, one step at a time in complex numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from memspan.engine.seeds import stream
from memspan.interfaces.network import stack
from memspan.layers.diagonal_recurrence import Ring, accumulated, answer, diagonal, modes
from memspan.models import build
from memspan.models.lru import LRU
from tests.unit.models.networks import members, regression, sequences


@pytest.mark.parametrize("length", [1, 2, 3, 64, 100])
def test_the_rounds_add_up_to_the_recurrence(length: int) -> None:
    driven = torch.randn(2, length, 3, 4, generator=stream("driven"), dtype=torch.complex128)
    factor = 0.99 * torch.exp(1j * torch.rand(2, 1, 1, 4, generator=stream("factor"), dtype=torch.float64))
    x, wanted = torch.zeros(2, 3, 4, dtype=torch.complex128), []
    for t in range(length):
        x = factor[:, 0] * x + driven[:, t]
        wanted.append(x)
    assert torch.allclose(accumulated(driven, factor), torch.stack(wanted, 1), rtol=1e-12, atol=1e-12)


def test_a_layer_equals_its_equations() -> None:
    """x = Λ x + exp(γ) ⊙ (B u), y = Re(C x) + D ⊙ u in float64, and in float32 to 1e-5 after 50 steps."""
    weights = {
        name: w.start(w.shape, stream(name)).double() for name, w in diagonal("a", 3, 5, Ring(0.5, 0.99, 6.28)).items()
    }
    u = torch.randn(1, 50, 2, 3, generator=stream("u"), dtype=torch.float64)
    nu, theta, gamma = weights["a.modes"].numpy()
    factor = np.exp(-np.exp(nu) + 1j * np.exp(theta))
    b, c = (weights[f"a.{name}"][0].numpy() + 1j * weights[f"a.{name}"][1].numpy() for name in "BC")
    x, wanted = np.zeros((2, 5), complex), []
    for step in u[0].numpy():
        x = factor * x + np.exp(gamma) * (step @ b)
        wanted.append((x @ c).real + weights["a.D"].numpy() * step)
    found = answer(stack([weights]), "a", u)[0].numpy()
    np.testing.assert_allclose(found, np.stack(wanted), rtol=1e-12, atol=1e-12)
    single = answer(stack([{name: weight.float() for name, weight in weights.items()}]), "a", u.float())[0].numpy()
    np.testing.assert_allclose(single, np.stack(wanted), rtol=1e-5, atol=1e-5)


def test_eigenvalues_start_uniform_over_the_ring() -> None:
    """|λ|² is uniform between the squares, the phase up to its largest.

    n = 20 000, Kolmogorov distance < .0194 (p < 1e-6).
    """
    ring = Ring(0.6, 0.95, math.pi / 10)
    nu, theta, gamma = modes(ring)((3, 20_000), stream("ring")).double()
    modulus = torch.exp(-torch.exp(nu))
    for sample, low, high in ((modulus**2, 0.36, 0.9025), (torch.exp(theta), 0.0, ring.phase)):
        ranks = torch.arange(1, 20_001) / 20_000
        assert float(((sample.sort().values - low) / (high - low) - ranks).abs().max()) < 0.0194
    assert torch.allclose(gamma, 0.5 * torch.log(1 - modulus**2), atol=1e-5)


def test_a_ring_that_reaches_the_centre_starts_with_finite_numbers() -> None:
    assert modes(Ring(0.0, 0.999, 2 * math.pi))((3, 200_000), stream("centre")).isfinite().all()


def test_the_maps_start_with_their_published_variances() -> None:
    """n = 8 192 or more for B and C: deviations within 5 % (p < 1e-9); n = 2 000 for D: within 10 % (p < 1e-9)."""
    weights = diagonal("a", 64, 64, Ring(0.9, 0.999, 6.28))
    drawn = {name: weight.start(weight.shape, stream(name)) for name, weight in weights.items()}
    assert float(drawn["a.B"].std()) == pytest.approx(1 / math.sqrt(128), rel=0.05)
    assert float(drawn["a.C"].std()) == pytest.approx(1 / 8, rel=0.05)
    assert float(weights["a.D"].start((2_000,), stream("D")).std()) == pytest.approx(1, rel=0.1)


def test_the_state_keeps_the_variance_of_its_input() -> None:
    """γ makes E|x|² = E|B u|² for white input: 200 units, 100 steps, 50 sequences, within 10 %."""
    weights = {name: w.start(w.shape, stream(name)) for name, w in diagonal("a", 4, 200, Ring(0.5, 0.9, 6.28)).items()}
    nu, theta, gamma = weights["a.modes"]
    driven = torch.randn(1, 100, 50, 200, generator=stream("white"), dtype=torch.complex64)
    x = accumulated(
        driven * torch.exp(gamma), torch.exp(torch.complex(-torch.exp(nu), torch.exp(theta)))[None, None, None]
    )
    assert float(x[:, 60:].abs().square().mean()) == pytest.approx(1.0, rel=0.1)


def test_a_thousand_steps_stay_finite_and_reach_back() -> None:
    signature = regression(1_000)
    network, inputs = build(LRU(hidden_size=8), signature), sequences(signature, 1).requires_grad_()
    (slope,) = torch.autograd.grad(network.forward(members(network, spread=0.0), inputs).sum(), inputs)
    assert slope.isfinite().all()
    assert float(slope[0, 0, 0].abs()) > 0


def test_it_counts_its_numbers_and_its_state() -> None:
    network = build(LRU(hidden_size=(8, 5), model_size=6), regression(20, channels=2, outputs=3))
    block = {n: 2 * 6 + 3 * n + 2 * 6 * n + 2 * n * 6 + 6 + 6 * 12 + 12 for n in (8, 5)}
    assert network.parameters == (2 * 6 + 6) + block[8] + block[5] + (6 * 3 + 3)
    assert network.state_size == 2 * (8 + 5)


def test_answers_at_every_step_never_see_later_ones() -> None:
    signature = regression(12, outputs=2, every_step=True)
    network, inputs = build(LRU(hidden_size=4), signature), sequences(signature)
    weights = members(network)
    before = network.forward(weights, inputs)
    assert before.shape == (1, 3, 12, 2)
    inputs[:, :, 7:] = 9.0
    after = network.forward(weights, inputs)
    assert torch.equal(before[:, :, :7], after[:, :, :7])
    assert not torch.equal(before[:, :, 7:], after[:, :, 7:])
