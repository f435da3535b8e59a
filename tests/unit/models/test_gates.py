"""Which share of the old memory a step keeps, and the time constants that follow."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from memspan.interfaces.model import ModelSpec
from memspan.layers.bound import bind
from memspan.models import build
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.min_gru import MinGRU
from memspan.models.min_lstm import MinLSTM
from memspan.models.power_law_lstm import PowerLawLSTM
from tests.unit.models.networks import members, regression, sequences

GATED = [
    LSTM(hidden_size=4), LSTM(hidden_size=4, peephole=True), LSTM(hidden_size=4, recurrent_activation="hard_sigmoid"),
    LSTM(hidden_size=4, open_gates=("i", "o")), GRU(hidden_size=4), GRU(hidden_size=4, reset="before"),
    GRU(hidden_size=4, recurrent_activation="hard_sigmoid"), PowerLawLSTM(hidden_size=4),
    PowerLawLSTM(hidden_size=4, learn_p=True), MinGRU(hidden_size=4), MinLSTM(hidden_size=4, candidate="positive"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("bias", "gate", "tau", "half"),
    [(0, 0.5, 1.44, 1.00), (1, 0.7311, 3.19, 2.21), (2, 0.8808, 7.88, 5.46), (3, 0.9526, 20.58, 14.27),
     (4, 0.9820, 55.10, 38.19), (5, 0.9933, 148.91, 103.22), (7, 0.9991, 1097.1, 760.5)],
)  # fmt: skip
def test_a_forget_bias_has_its_time_constant_and_its_half_life(
    bias: float, gate: float, tau: float, half: float
) -> None:
    """f = σ(b), tau = -1 / log f, half-life = log ½ / log f, in steps."""
    keep = build(LSTM(), regression(3)).recurrence.layers[0].cell.keep  # type: ignore[union-attr]
    assert keep is not None
    nothing = torch.zeros(1, 1, 1, dtype=torch.float64)
    f = float(keep((nothing, nothing + bias, nothing, nothing), (nothing, nothing), ()))
    assert f == pytest.approx(gate, abs=5e-5)
    assert -1 / math.log(f) == pytest.approx(tau, abs=0.05 if bias == 7 else 0.005)
    assert math.log(0.5) / math.log(f) == pytest.approx(half, abs=0.05 if bias == 7 else 0.005)


@pytest.mark.parametrize("spec", GATED, ids=str)
def test_what_a_step_keeps_is_what_its_gate_says(spec: ModelSpec) -> None:
    """The new memory's slope by the old one, with the pre-activations held, is ``keep``, in 0 .. 1."""
    signature = regression(6, channels=2)
    network = build(spec, signature)
    assert network.recurrence is not None
    layer = bind(network.recurrence.layers[0], members(network))
    cell, where = layer.layer.cell, layer.layer.cell.states.index(layer.layer.cell.memory)
    assert cell.keep is not None
    before = layer.run(sequences(signature).transpose(1, 2))[3]
    gates = layer.gates(layer.project(sequences(signature).transpose(1, 2))[:, 4], before)
    parameters = tuple(0 * each for each in layer.parameters) if "peephole_f" in cell.parameters else layer.parameters

    def memory(old: Tensor) -> Tensor:
        return cell.pointwise(gates, (*before[:where], old, *before[where + 1 :]), parameters)[where].sum()

    slope = torch.autograd.functional.jacobian(memory, before[where])
    keep = cell.keep(gates, before, parameters)
    assert torch.allclose(keep, slope, rtol=1e-9, atol=1e-12)
    assert float(keep.min()) >= 0
    assert float(keep.max()) <= 1


def test_chrono_makes_every_gated_cell_keep_for_as_long() -> None:
    """With x = h = 0, exp(b) ~ U(1, T - 1) at the keeping gate means -1 / log keep between 1.4 and T - ½ steps."""
    signature = regression(100)
    for spec in (LSTM, GRU, MinGRU, MinLSTM):
        network = build(spec(hidden_size=200, initialization="chrono"), signature)
        assert network.recurrence is not None
        layer = bind(network.recurrence.layers[0], members(network, 1, 0.0))
        state = layer.first(1)
        gates = layer.gates(layer.project(torch.zeros(1, 1, 1, 1, dtype=torch.float64))[:, 0], state)
        assert layer.layer.cell.keep is not None
        tau = -1 / layer.layer.cell.keep(gates, state, layer.parameters).log()
        assert 1.4 < float(tau.min()) < 10
        assert 90 < float(tau.max()) < 99.51
        assert float(tau.mean()) == pytest.approx(50, abs=10)  # n = 200 of deviation 28.6: five standard errors
