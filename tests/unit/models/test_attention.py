"""Attention against its equations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.layers.causal_attention import CausalAttention
from memspan.layers.rotary import turned
from memspan.layers.short_convolution import ShortConvolution
from memspan.models import build
from memspan.models.attention import Attention
from tests.unit.models.networks import members, regression, sequences


def mixer(**changed: object) -> CausalAttention:
    return CausalAttention(**{"size": 8, "heads": 2, "rotary": False, "window": None, "convolution": 0, **changed})  # type: ignore[arg-type]


def drawn(made: CausalAttention) -> dict[str, Tensor]:
    """Weights of two members, float64."""
    return {
        name: torch.randn((2, *weight.shape), generator=stream(name), dtype=torch.float64) / math.sqrt(8)
        for name, weight in made.weights().items()
    }


def shown(steps: int) -> Tensor:
    return torch.randn(2, 3, steps, 8, generator=stream("x"), dtype=torch.float64)


def by_hand(made: CausalAttention, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Each step's sum over the steps that it sees, one score at a time."""
    z, e = x @ weights["qkv"].unsqueeze(1), made.size // made.heads
    out = torch.zeros_like(x)
    for m, b, t, head in torch.cartesian_prod(*map(torch.arange, (*x.shape[:3], made.heads))).tolist():
        q, k, v = (z[m, b, :, 8 * part + e * head : 8 * part + e * (head + 1)] for part in range(3))
        first = max(0, t - (made.window or t + 1) + 1)
        shares = torch.exp(k[first : t + 1] @ q[t] / math.sqrt(e))
        out[m, b, t, e * head : e * (head + 1)] = shares @ v[first : t + 1] / shares.sum()
    return out @ weights["out"].unsqueeze(1)


@pytest.mark.parametrize("window", [None, 1, 3, 50])
def test_a_mixer_equals_its_equations(window: int | None) -> None:
    made, x = mixer(window=window), shown(9)
    weights = drawn(made)
    assert torch.allclose(made.mix(weights, x), by_hand(made, weights, x), rtol=1e-12, atol=1e-13)


def test_where_all_scores_are_equal_it_takes_running_means() -> None:
    made, x = mixer(), shown(9)
    weights = drawn(made)
    weights["qkv"][..., :8] = 0
    v = (x @ weights["qkv"].unsqueeze(1))[..., 16:]
    means = v.cumsum(2) / torch.arange(1, 10, dtype=torch.float64)[:, None]
    assert torch.allclose(made.mix(weights, x), means @ weights["out"].unsqueeze(1), rtol=1e-12, atol=1e-13)


def test_the_shares_of_each_step_add_up_to_one_and_give_its_mean() -> None:
    made, x = mixer(rotary=True, window=4), shown(9)
    weights = drawn(made)
    shares = made.attention(weights, x)
    assert shares.shape == (2, 3, 2, 9, 9)
    assert torch.allclose(shares.sum(-1), torch.ones(2, 3, 2, 9, dtype=torch.float64))
    v = (x @ weights["qkv"].unsqueeze(1))[..., 16:].unflatten(-1, (2, 4)).transpose(2, 3)
    mixed = (shares @ v).transpose(2, 3).flatten(3) @ weights["out"].unsqueeze(1)
    assert torch.allclose(made.mix(weights, x), mixed, rtol=1e-11, atol=1e-12)


def test_turned_scores_depend_on_distances_alone() -> None:
    """The same queries and keys, 5 steps later: the same scores; and lengths stay."""
    q, k = (torch.randn(7, 6, generator=stream(name), dtype=torch.float64) for name in "qk")
    late = [torch.cat([torch.zeros(5, 6, dtype=torch.float64), each]) for each in (q, k)]
    scores, later = turned(q) @ turned(k).T, (turned(late[0]) @ turned(late[1]).T)[5:, 5:]
    assert torch.allclose(scores, later, rtol=1e-12, atol=1e-12)
    assert torch.allclose(turned(q).norm(dim=-1), q.norm(dim=-1))
    assert torch.equal(turned(q)[0], q[0])
    angle = 3 * 10_000 ** (-2 * 1 / 6)
    assert float(turned(q)[3, 1]) == pytest.approx(
        float(q[3, 1]) * math.cos(angle) - float(q[3, 4]) * math.sin(angle), abs=1e-12
    )


@pytest.mark.parametrize(("layers", "window", "convolution"), [(1, 4, None), (2, 4, None), (3, 2, None), (2, 3, 3)])
def test_windows_add_up_over_layers(layers: int, window: int, convolution: int | None) -> None:
    """L (w - 1) + L (k - 1) + 1 steps are seen, all of them and no more."""
    signature = regression(16)
    spec = Attention(hidden_size=4, layers=layers, window=window, short_convolution=convolution)
    network, inputs = build(spec, signature), sequences(signature).requires_grad_()
    (slope,) = torch.autograd.grad(network.forward(members(network), inputs).sum(), inputs)
    field = layers * (window - 1 + (convolution or 1) - 1) + 1
    moved = slope.abs().amax((0, 1, 3)) > 0
    assert network.receptive_field == field
    assert moved.tolist() == [step >= 16 - field for step in range(16)]


def test_it_counts_its_numbers_and_its_state() -> None:
    """4 d² and a norm a block; an MLP of factor r adds 2 r d² + (r + 1) d and its norm; the cache has 2 d min(T, w)."""
    signature = regression(20, channels=3, outputs=5)
    ends = (3 * 8 + 8) + 8 + (8 * 5 + 5)
    plain = build(Attention(hidden_size=8, layers=3), signature)
    assert plain.parameters == ends + 3 * (4 * 64 + 8)
    assert plain.state_size == 3 * 2 * 8 * 20
    large = build(Attention(hidden_size=8, layers=2, mlp=4, short_convolution=4, window=6), signature)
    assert large.parameters == ends + 2 * (4 * 64 + 8 + 3 * 8 * (4 + 1) + 2 * 4 * 64 + 5 * 8 + 8)
    assert large.state_size == 2 * (2 * 8 * 6 + 3 * 3 * 8)
    learned = build(Attention(hidden_size=8, layers=3, positions="learned"), signature)
    assert learned.parameters == plain.parameters + 20 * 8


def test_learned_positions_tell_steps_apart_and_end_where_training_did() -> None:
    signature = regression(6)
    network = build(Attention(hidden_size=4, positions="learned"), signature)
    assert not network.any_length
    same = torch.ones(1, 1, 6, 1, dtype=torch.float64)
    weights = members(network)
    without = {**weights, "positions": 0 * weights["positions"]}
    assert not torch.allclose(network.forward(weights, same), network.forward(without, same))
    with pytest.raises(RuntimeError):
        network.forward(weights, torch.ones(1, 1, 7, 1, dtype=torch.float64))


def test_published_sizes_are_counted_at_once() -> None:
    """12 layers of width 768 with an MLP of factor 4, as GPT-2 small without its embeddings: 85 million."""
    network = build(Attention(hidden_size=768, layers=12, heads=12, mlp=4), regression(1_024))
    assert network.parameters == pytest.approx(85e6, rel=0.01)


@pytest.mark.parametrize("size", [2, 4])
def test_a_short_convolution_equals_its_sum(size: int) -> None:
    made = ShortConvolution(3, size)
    weights = {
        name: torch.randn((2, *weight.shape), generator=stream(name), dtype=torch.float64)
        for name, weight in made.weights().items()
    }
    x = torch.randn(2, 4, 7, 3, generator=stream("x"), dtype=torch.float64)
    kernel, bias = weights["convolution.kernel"], weights["convolution.bias"]
    for t in range(7):
        wanted = bias[:, None] + sum(
            kernel[:, None, :, size - 1 - back] * x[:, :, t - back] for back in range(min(size, t + 1))
        )
        assert torch.allclose(made.run(weights, x)[:, :, t], wanted, rtol=1e-12, atol=1e-13)
