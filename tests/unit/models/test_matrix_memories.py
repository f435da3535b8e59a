"""Matrix memories against their equations: linear attention that fades, the delta rule, and mLSTM."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from memspan.engine.seeds import stream
from memspan.layers.decayed_attention import decayed_attention
from memspan.layers.delta_rule import delta_rule
from memspan.layers.head_decay import HeadDecay
from memspan.layers.linear_attention import LinearAttention
from memspan.layers.matrix_lstm import MatrixLSTM, highest
from memspan.models import build
from memspan.models.delta_net import DeltaNet
from memspan.models.gated_linear_attention import GatedLinearAttention
from memspan.models.mlstm import MLSTM
from tests.unit.models.networks import regression

LENGTHS = [1, 5, 8, 9, 64, 65, 130]
"""on both sides of where rows end"""


def drawn(*shape: int, name: str = "drawn") -> Tensor:
    return torch.randn(shape, generator=stream(name, *shape), dtype=torch.float64)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("vector", [False, True])
def test_rows_of_fading_attention_equal_the_loop(length: int, vector: bool) -> None:
    """S = diag(α) S + k vᵀ, o = Sᵀ q; float64 to 1e-11, shares from 1 to e^-200 a step."""
    q, k, v = (drawn(3, length, size, name=name) for name, size in (("q", 4), ("k", 4), ("v", 5)))
    decay = -drawn(3, length, 4 if vector else 1, name="decay").exp()
    decay[:, ::6], decay[:, 3::6] = 0.0, -200.0
    state, wanted = torch.zeros(3, 4, 5, dtype=torch.float64), []
    for t in range(length):
        state = decay[:, t].exp().unsqueeze(-1) * state + k[:, t].unsqueeze(-1) * v[:, t].unsqueeze(-2)
        wanted.append((state * q[:, t].unsqueeze(-1)).sum(-2))
    assert torch.allclose(decayed_attention(q, k, v, decay), torch.stack(wanted, 1), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("vector", [False, True])
def test_what_fades_at_once_has_finite_slopes_in_single_precision(vector: bool) -> None:
    """Shares of e^-200 a step, over 70 steps: a factored form would overflow after one."""
    leaves = [drawn(2, 70, 4, name=name).float().requires_grad_() for name in "qkv"]
    decay = torch.full((2, 70, 4 if vector else 1), -200.0, requires_grad=True)
    made = decayed_attention(*leaves, decay)
    for slope in torch.autograd.grad(made.sum(), [*leaves, decay]):
        assert slope.isfinite().all()
    own = (leaves[0] * leaves[1]).sum(-1, keepdim=True) * leaves[2]
    assert torch.allclose(made, own, atol=1e-6)


@pytest.mark.parametrize("length", LENGTHS)
def test_rows_of_the_delta_rule_equal_the_loop(length: int) -> None:
    """S <- α S, S <- S + β k (v - Sᵀ k)ᵀ, o = Sᵀ q; float64 to 1e-10."""
    q, k, v = (drawn(3, length, size, name=name) for name, size in (("q", 4), ("k", 4), ("v", 5)))
    k = k / k.norm(dim=-1, keepdim=True)
    beta, decay = drawn(3, length, 1, name="beta").sigmoid(), -0.1 * drawn(3, length, 1, name="decay").exp()
    state, wanted = torch.zeros(3, 4, 5, dtype=torch.float64), []
    for t in range(length):
        state = decay[:, t].exp().unsqueeze(-1) * state
        error = v[:, t] - (state * k[:, t].unsqueeze(-1)).sum(-2)
        state = state + k[:, t].unsqueeze(-1) * (beta[:, t] * error).unsqueeze(-2)
        wanted.append((state * q[:, t].unsqueeze(-1)).sum(-2))
    assert torch.allclose(delta_rule(q, k, v, beta, decay), torch.stack(wanted, 1), rtol=1e-10, atol=1e-10)


def test_the_delta_rule_replaces_what_a_key_held() -> None:
    """The same key twice, with β = 1 and nothing fading: the second value alone is read, where a sum would be."""
    key = torch.zeros(1, 2, 3, dtype=torch.float64)
    key[..., 1] = 1.0
    values, one = drawn(1, 2, 4), torch.ones(1, 2, 1, dtype=torch.float64)
    assert torch.allclose(delta_rule(key, key, values, one, 0 * one)[:, 1], values[:, 1])
    assert torch.allclose(decayed_attention(key, key, values, 0 * one)[:, 1], values.sum(1))


def test_unit_keys_keep_the_delta_rule_bounded() -> None:
    """600 steps of β = 1 in single precision: what is read never outgrows the largest value seen by 30 times."""
    q, k, v = (drawn(4, 600, 8, name=name).float() for name in "qkv")
    k = k / k.norm(dim=-1, keepdim=True)
    one = torch.ones(4, 600, 1)
    read = delta_rule(q / q.norm(dim=-1, keepdim=True), k, v, one, 0 * one)
    assert float(read.abs().max()) < 30 * float(v.norm(dim=-1).max())


def test_a_key_of_zeros_leaves_no_nan() -> None:
    spec = DeltaNet(hidden_size=6, short_convolution=None)
    network = build(spec, regression(4))
    weights = {name: torch.zeros(1, *weight.shape) for name, weight in network.weights.items()}
    leaves = {name: weight.requires_grad_() for name, weight in weights.items()}
    answers = network.forward(leaves, torch.zeros(1, 2, 4, 1))
    slopes = torch.autograd.grad(answers.sum(), list(leaves.values()), allow_unused=True)
    assert answers.isfinite().all()
    assert all(slope is None or slope.isfinite().all() for slope in slopes)


def unstabilised(q: Tensor, k: Tensor, v: Tensor, opened: Tensor, forget: Tensor) -> Tensor:
    """C = f C + e^ĩ k vᵀ, n = f n + e^ĩ k, h = Cᵀ q / max(|n · q|, 1), step by step, (P, T, V)."""
    matrix = torch.zeros(q.shape[0], k.shape[2], v.shape[2], dtype=torch.float64)
    norm, found = matrix[..., 0], []
    for t in range(q.shape[1]):
        i, f = opened[:, t].exp(), forget[:, t].exp()
        matrix = f.unsqueeze(-1) * matrix + (i * k[:, t]).unsqueeze(-1) * v[:, t].unsqueeze(-2)
        norm = f * norm + i * k[:, t]
        bound = (norm * q[:, t]).sum(-1, keepdim=True).abs().clamp(min=1)
        found.append((matrix * q[:, t].unsqueeze(-1)).sum(-2) / bound)
    return torch.stack(found, 1)


@pytest.mark.parametrize("length", [1, 40, 100])
def test_mlstm_equals_its_unstabilised_equations(length: int) -> None:
    """Through a mixer with matrices of one, so that only its core is left; float64 to 1e-10."""
    mixer = MatrixLSTM(8, 2, 3, 0)
    weights = {name: drawn(1, *weight.shape, name=name) / math.sqrt(8) for name, weight in mixer.weights().items()} | {
        "out": torch.eye(8, dtype=torch.float64)[None]
    }
    x = drawn(1, 2, length, 8)
    q, k = (x @ weights["qk"].unsqueeze(1)).chunk(2, dim=-1)
    v = x @ weights["v"].unsqueeze(1)
    opened, kept = (x @ weights["gates.kernel"].unsqueeze(1) + weights["gates.bias"]).chunk(2, dim=-1)
    heads = [
        unstabilised(
            q[0, ..., 3 * h : 3 * h + 3], k[0, ..., 3 * h : 3 * h + 3] / math.sqrt(3), v[0, ..., 4 * h : 4 * h + 4],
            opened[0, ..., h : h + 1], logsigmoid(kept[0, ..., h : h + 1]),
        )
        for h in range(2)
    ]  # fmt: skip
    read = torch.stack(heads, dim=2)  # (B, T, h, V)
    normal = read / (read.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weights["norm"][0]
    wanted = torch.sigmoid(x @ weights["output"].unsqueeze(1))[0] * normal.flatten(2)
    assert torch.allclose(mixer.mix(weights, x)[0], wanted, rtol=1e-10, atol=1e-10)


def test_the_highest_gate_is_the_one_of_the_loop() -> None:
    opened, forget = drawn(3, 50, 1, name="i"), logsigmoid(drawn(3, 50, 1, name="f"))
    top, wanted = torch.full((3, 1), -torch.inf, dtype=torch.float64), []
    for t in range(50):
        top = torch.maximum(forget[:, t] + top, opened[:, t])
        wanted.append(top)
    assert torch.allclose(highest(opened, forget), torch.stack(wanted, 1), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("shift", [-300.0, 300.0])
def test_input_gates_far_open_or_shut_leave_finite_numbers(shift: float) -> None:
    """Single precision, answers and slopes."""
    network = build(MLSTM(hidden_size=8), regression(30))
    drawn_once = network.initialize(stream("weights"))
    weights = {name: weight[None].clone() for name, weight in drawn_once.items()}
    for name, weight in weights.items():
        if name.endswith("gates.bias"):
            weight[:, :1] += shift
    leaves = {name: weight.requires_grad_() for name, weight in weights.items()}
    answers = network.forward(leaves, drawn(1, 3, 30, 1).float())
    slopes = torch.autograd.grad(answers.sum(), list(leaves.values()))
    assert answers.isfinite().all()
    assert all(slope.isfinite().all() for slope in slopes)


def test_fixed_shares_are_those_of_retnet() -> None:
    mixer = LinearAttention(8, 4, 2, 0, "fixed")
    shares = mixer.keep({}, torch.zeros(1, 1, 1, 8, dtype=torch.float64)).flatten()
    assert shares.tolist() == pytest.approx([1 - 1 / 32, 1 - 1 / 64, 1 - 1 / 128, 1 - 1 / 256], abs=1e-15)


def test_vector_gates_start_near_their_published_share() -> None:
    """σ(0)^(1/16) = .957 where nothing is shown."""
    mixer = LinearAttention(8, 2, 4, 0, "vector")
    weights = {name: weight.start(weight.shape, stream(name))[None] for name, weight in mixer.weights().items()}
    assert mixer.keep(weights, torch.zeros(1, 1, 1, 8)).flatten().tolist() == pytest.approx([0.5 ** (1 / 16)] * 8)


def test_head_gates_are_those_of_their_formula() -> None:
    made = HeadDecay(4, 3, 0.0, 16.0)
    weights = {name: drawn(2, *weight.shape, name=name) for name, weight in made.weights().items()}
    x = drawn(2, 3, 5, 4)
    time = torch.log1p(torch.exp(x @ weights["decay.kernel"].unsqueeze(1) + weights["decay.bias"][:, None, None]))
    wanted = -torch.exp(weights["decay.A_log"])[:, None, None] * time
    assert torch.allclose(made.run(weights, x), wanted, rtol=1e-12)
    rates = made.weights()["decay.A_log"].start((20_000,), stream("rates")).exp()
    assert 7.8 < float(rates.mean()) < 8.2  # U(0, 16), n = 20 000: 6 deviations
    assert rates.isfinite().all()


ENDS = (3 * 8 + 8) + 8 + (8 * 5 + 5)
"""embedding, last norm and read-out of width 8, 3 channels, 5 outputs"""


@pytest.mark.parametrize(
    ("spec", "parameters", "state"),
    [
        (GatedLinearAttention(hidden_size=8), 5 * 64 + 16 * 8 + 16 * 8 + 8 + 8, 8 * 8),
        (GatedLinearAttention(hidden_size=8, heads=2, key_size=3, decay="fixed"), 8 * 12 + 3 * 64 + 4, 2 * 3 * 4),
        (GatedLinearAttention(hidden_size=8, heads=2, decay="head", short_convolution=4),
         5 * 64 + 24 * 5 + 2 * 8 + 2 * 2 + 4, 2 * 4 * 4 + 3 * 24),
        (DeltaNet(hidden_size=8), 5 * 64 + 24 * 5 + 2 * 8 + 2 + 8, 8 * 8 + 3 * 24),
        (DeltaNet(hidden_size=8, heads=2, key_size=3, gated=False, short_convolution=None),
         8 * 12 + 3 * 64 + 2 * 8 + 4, 2 * 3 * 4),
        (MLSTM(hidden_size=8, heads=2), 5 * 64 + 16 * 5 + 8 * 4 + 4 + 4, 2 * (4 * 4 + 4 + 1) + 3 * 16),
    ],
    ids=str,
)  # fmt: skip
def test_they_count_their_numbers_and_their_states(spec: DeltaNet, parameters: int, state: int) -> None:
    """q, k, v, gate and out are 5 d² where keys are as wide as values; the state is h K V, with more heads less."""
    network = build(spec, regression(20, channels=3, outputs=5))
    assert network.parameters == ENDS + 2 * (parameters + 8)
    assert network.state_size == 2 * state
