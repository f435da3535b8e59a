"""Hyena against its equations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.layers.implicit_convolution import ImplicitConvolution
from memspan.models import build
from memspan.models.hyena import Hyena
from tests.unit.models.networks import members, regression, sequences


def drawn(*shape: int, name: str = "drawn") -> Tensor:
    return torch.randn(shape, generator=stream(name, *shape), dtype=torch.float64)


def weights(mixer: ImplicitConvolution) -> dict[str, Tensor]:
    return {name: 0.5 * drawn(2, *weight.shape, name=name) for name, weight in mixer.weights().items()}


def test_a_kernel_is_made_by_its_network_and_fades() -> None:
    mixer = ImplicitConvolution(3, 4, 0, 11)
    w = {name: weight[0] for name, weight in weights(mixer).items()}
    found = mixer.kernel({name: weight[None] for name, weight in w.items()}, 11)[0]
    for t in (0, 4, 10):
        time = t / 10
        features = torch.tensor([time, math.cos(2 * math.pi * time), math.sin(2 * math.pi * time)]).double()
        hidden = torch.sin(w["filter.frequency"] * (features @ w["filter.in"] + w["filter.in_bias"]))
        for layer in range(2):
            hidden = torch.sin(
                w["filter.frequency"] * (hidden @ w["filter.inner"][layer] + w["filter.inner_bias"][layer])
            )
        for channel, share in enumerate((1.5, 0.9, 0.3)):
            wanted = (hidden @ w["filter.out"])[channel] * 0.01 ** (time / share)
            assert float(found[channel, t]) == pytest.approx(float(wanted), abs=1e-7)


def test_a_mixer_equals_its_equations() -> None:
    mixer, x = ImplicitConvolution(3, 4, 0, 9), drawn(2, 3, 9, 3)
    w = weights(mixer)
    gate, inner, v = (x @ w["in"].unsqueeze(1)).chunk(3, dim=-1)
    kernel, u, made = mixer.kernel(w, 9), inner * v, torch.zeros_like(x)
    for t in range(9):
        for s in range(t + 1):
            made[:, :, t] += kernel[:, None, :, t - s] * u[:, :, s]
    wanted = (gate * (made + w["bias"][:, None, None] * u)) @ w["out"].unsqueeze(1)
    assert torch.allclose(mixer.mix(w, x), wanted, rtol=1e-12, atol=1e-12)


def test_a_kernel_stays_as_it_was_trained_where_sequences_are_longer() -> None:
    mixer = ImplicitConvolution(3, 4, 0, 9)
    w = weights(mixer)
    assert torch.allclose(mixer.kernel(w, 20)[..., :9], mixer.kernel(w, 9), rtol=1e-14)
    signature = regression(9, every_step=True)
    network, longer = build(Hyena(hidden_size=4), signature), sequences(regression(20))
    w = members(network)
    assert torch.allclose(network.forward(w, longer)[:, :, :9], network.forward(w, longer[:, :, :9]), rtol=1e-10)


def test_it_counts_its_numbers_and_its_history() -> None:
    """4 d² and 12 d of the short convolution, the filter's network, and d; every step is kept, T d."""
    network = build(Hyena(hidden_size=8, filter_size=5, layers=3), regression(20, channels=3, outputs=5))
    ends = (3 * 8 + 8) + 8 + (8 * 5 + 5)
    kernel = (3 * 5 + 5) + 2 * (25 + 5) + 5 + 5 * 8
    assert network.parameters == ends + 3 * (4 * 64 + 12 * 8 + kernel + 8 + 8)
    assert network.state_size == 3 * (20 * 8 + 2 * 24)
    assert network.any_length


def test_a_start_is_drawn_from_its_stream_alone() -> None:
    network = build(Hyena(), regression(5))
    first, again = (network.initialize(stream("one")) for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
