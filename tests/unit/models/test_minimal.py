"""minGRU and minLSTM against their parallel forms, which know all steps at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from memspan.interfaces.model import ModelSpec
from memspan.layers.bound import bind
from memspan.models import build
from memspan.models.min_gru import MinGRU
from memspan.models.min_lstm import MinLSTM
from tests.unit.models.networks import members, regression, sequences

LENGTH, SIZE = 30, 5


def gates_and_states(spec: ModelSpec) -> tuple[Tensor, Tensor]:
    """The blocks of W x + b (G, B, T, H) and the states (B, T, H) of one member, float64."""
    signature = regression(LENGTH, channels=2)
    network = build(spec, signature)
    assert network.recurrence is not None
    layer, inputs = bind(network.recurrence.layers[0], members(network)), sequences(signature)
    states = torch.stack([h for (h,) in layer.run(inputs.transpose(1, 2))], dim=2)[0]
    blocks = (inputs[0] @ layer.input_weights[0] + layer.bias[0]).unflatten(-1, (-1, SIZE)).movedim(-2, 0)
    return blocks, states


def log_candidate(x: Tensor) -> Tensor:
    """log g(x), g(x) = x + 1/2 for x >= 0, else σ(x)."""
    return torch.where(x >= 0, torch.log(torch.relu(x) + 0.5), -softplus(-x))


def scanned(log_keep: Tensor, log_new: Tensor) -> Tensor:
    """The parallel scan in log space: h_t = Σ_s exp(A_t - A_s + log new_s) with A the running sum of log keep."""
    total = log_keep.cumsum(1)
    return torch.exp(total + torch.logcumsumexp(log_new - total, dim=1))


def summed(keep: Tensor, new: Tensor) -> Tensor:
    """The same sum for contents of any sign, as a triangular matrix of products."""
    total = keep.log().cumsum(1)
    weights = torch.exp(total.unsqueeze(2) - total.unsqueeze(1))  # (B, T, S, H)
    causal = torch.ones(LENGTH, LENGTH, dtype=torch.float64).tril()[None, :, :, None]
    return (weights * causal * new.unsqueeze(1)).sum(2)


def test_a_min_gru_equals_its_parallel_form() -> None:
    (z, h), states = gates_and_states(MinGRU(hidden_size=SIZE))
    assert torch.allclose(states, summed(torch.sigmoid(-z), torch.sigmoid(z) * h), rtol=1e-6, atol=1e-9)


def test_a_min_lstm_equals_its_parallel_form() -> None:
    (f, i, h), states = gates_and_states(MinLSTM(hidden_size=SIZE))
    f, i = torch.sigmoid(f), torch.sigmoid(i)
    assert torch.allclose(states, summed(f / (f + i), i / (f + i) * h), rtol=1e-6, atol=1e-9)


def test_a_positive_min_gru_equals_its_log_space_scan() -> None:
    (z, h), states = gates_and_states(MinGRU(hidden_size=SIZE, candidate="positive"))
    assert torch.allclose(states, scanned(-softplus(z), -softplus(-z) + log_candidate(h)), rtol=1e-6, atol=1e-9)


def test_a_positive_min_lstm_equals_its_log_space_scan() -> None:
    """The paper's form: log f' = -softplus(d), log i' = -softplus(-d) with d = softplus(-f) - softplus(-i)."""
    (f, i, h), states = gates_and_states(MinLSTM(hidden_size=SIZE, candidate="positive"))
    d = softplus(-f) - softplus(-i)
    assert torch.allclose(states, scanned(-softplus(d), -softplus(-d) + log_candidate(h)), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("spec", [MinGRU(hidden_size=2), MinLSTM(hidden_size=2)])
def test_gates_that_are_shut_and_open_keep_and_overwrite(spec: ModelSpec) -> None:
    network = build(spec, regression(4))
    assert network.recurrence is not None
    cell = network.recurrence.layers[0].cell
    h, new = torch.full((1, 1, 2), 0.7), torch.full((1, 1, 2), -3.0)
    shut, wide = torch.full_like(h, -200.0), torch.full_like(h, 200.0)
    keeping = (shut, new) if spec.kind == "min_gru" else (wide, shut, new)
    writing = (wide, new) if spec.kind == "min_gru" else (shut, wide, new)
    assert torch.equal(cell.pointwise(keeping, (h,), ())[0], h)
    assert torch.allclose(cell.pointwise(writing, (h,), ())[0], new)


def test_a_min_lstm_whose_gates_are_both_shut_divides_nothing_by_nothing() -> None:
    cell = build(MinLSTM(hidden_size=1), regression(4)).recurrence.layers[0].cell  # type: ignore[union-attr]
    shut = torch.full((1, 1, 1), -300.0)
    assert float(cell.pointwise((shut, shut, 0 * shut), (shut * 0 + 1,), ())[0]) == pytest.approx(0.5)


def test_they_have_no_recurrent_matrix() -> None:
    for spec, gates in ((MinGRU(hidden_size=8), 2), (MinLSTM(hidden_size=8), 3)):
        assert build(spec, regression(5, channels=3)).parameters == gates * 8 * (3 + 1) + 8 + 1
