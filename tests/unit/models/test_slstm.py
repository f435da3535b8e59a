"""sLSTM against its equations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.layers.scalar_lstm import ScalarLSTM
from memspan.models import build
from memspan.models.slstm import SLSTM
from tests.unit.models.networks import regression


def drawn(*shape: int, name: str = "drawn") -> Tensor:
    return torch.randn(shape, generator=stream(name, *shape), dtype=torch.float64)


def mixer(heads: int) -> tuple[ScalarLSTM, dict[str, Tensor]]:
    made = ScalarLSTM(6, heads, 0)
    return made, {name: 0.5 * drawn(1, *weight.shape, name=name) for name, weight in made.weights().items()}


def unstabilised(weights: dict[str, Tensor], head: int, x: Tensor, size: int) -> Tensor:
    """c = f c + e^ĩ tanh z, n = f n + e^ĩ, y = σ(o) c / n of one head, step by step, (B, T, H)."""
    kernel, recurrent, bias = (weights[f"head{head}.{name}"][0] for name in ("kernel", "recurrent", "bias"))
    y = c = n = torch.zeros(x.shape[0], size, dtype=torch.float64)
    found = []
    for t in range(x.shape[1]):
        z, i, f, o = (x[:, t] @ kernel + y @ recurrent + bias).chunk(4, dim=-1)
        c, n = f.sigmoid() * c + i.exp() * z.tanh(), f.sigmoid() * n + i.exp()
        y = o.sigmoid() * c / n
        found.append(y)
    return torch.stack(found, 1)


@pytest.mark.parametrize("heads", [1, 3])
def test_it_equals_its_unstabilised_equations(heads: int) -> None:
    """Float64 to 1e-11; each head by itself, as its recurrent matrix sees no other."""
    made, weights = mixer(heads)
    x = drawn(1, 2, 30, 6)
    read = torch.stack([unstabilised(weights, head, x[0], 6 // heads) for head in range(heads)], dim=2)
    normal = (read / (read.square().mean(-1, keepdim=True) + 1e-5).sqrt()).flatten(2) * weights["norm"][0]
    assert torch.allclose(made.mix(weights, x)[0], normal, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shift", [-50.0, 50.0, -2_000.0])
def test_a_constant_that_is_added_to_all_input_gates_changes_nothing(shift: float) -> None:
    made, weights = mixer(1)
    x = drawn(1, 2, 30, 6)
    moved = {name: weight.clone() for name, weight in weights.items()}
    moved["head0.bias"][:, 6:12] += shift
    assert torch.allclose(made.mix(weights, x), made.mix(moved, x), rtol=1e-9, atol=1e-9)


def test_gates_that_are_nearly_shut_leave_finite_numbers() -> None:
    """Single precision: with m = 0 before the first step n would be 0."""
    network = build(SLSTM(hidden_size=8), regression(20))
    weights = {name: weight[None].clone() for name, weight in network.initialize(stream("weights")).items()}
    for name, weight in weights.items():
        if name.endswith("head0.bias"):
            weight[:, 8:16] = -500.0
    leaves = {name: weight.requires_grad_() for name, weight in weights.items()}
    answers = network.forward(leaves, drawn(1, 3, 20, 1).float())
    assert answers.isfinite().all()
    assert all(slope.isfinite().all() for slope in torch.autograd.grad(answers.sum(), list(leaves.values())))


def test_forget_gates_start_open_and_recurrent_matrices_at_nothing() -> None:
    made = ScalarLSTM(8, 2, 0).weights()
    biases = made["head1.bias"].start((16,), stream("b")).view(4, 4)
    assert biases[2].tolist() == pytest.approx([3.0, 4.0, 5.0, 6.0])
    assert not biases[[0, 1, 3]].any()
    assert not made["head1.recurrent"].start((4, 16), stream("u")).any()


@pytest.mark.parametrize("heads", [1, 2])
def test_it_counts_its_numbers_and_its_state(heads: int) -> None:
    """4 (d² + d² / h + d) and a norm a block; a state of 4 d."""
    network = build(SLSTM(hidden_size=8, heads=heads, layers=3), regression(20, channels=3, outputs=5))
    ends = (3 * 8 + 8) + 8 + (8 * 5 + 5)
    assert network.parameters == ends + 3 * (4 * (64 + 64 // heads + 8) + 8 + 8)
    assert network.state_size == 3 * 4 * 8
