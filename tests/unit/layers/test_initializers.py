"""How weights start. Samples are large enough that a false alarm is rarer than one in a million."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.signature import Problem, Signature
from memspan.layers import initializers
from memspan.models import build
from memspan.models.cnn import CNN
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.min_gru import MinGRU
from memspan.models.min_lstm import MinLSTM
from memspan.models.mlp import MLP
from memspan.models.power_law_lstm import PowerLawLSTM
from memspan.models.rnn import RNN

SIGNATURE = Signature(50, channels=3, outputs=2, problem=Problem.CLASSIFICATION)


def started(spec: ModelSpec, seed: int = 0, signature: Signature = SIGNATURE) -> dict[str, Tensor]:
    return build(spec, signature).initialize(stream(seed))


def many(spec: ModelSpec, name: str, draws: int = 200, signature: Signature = SIGNATURE) -> Tensor:
    """Draws of one weight alone."""
    weight = build(spec, signature).weights[name]
    return torch.stack([weight.start(weight.shape, stream(seed)) for seed in range(draws)])


def fills(sample: Tensor, low: float, high: float) -> bool:
    """Whether a sample of n >= 2 000 stays inside (low, high) and comes within 1 % of both ends (missed: 1e-8)."""
    assert sample.numel() >= 2_000
    margin = 0.01 * (high - low)
    inside = bool((sample >= low).all() and (sample <= high).all())
    return inside and float(sample.min()) < low + margin and float(sample.max()) > high - margin


@pytest.mark.parametrize(
    ("spec", "gates"), [(RNN(hidden_size=8), 1), (LSTM(hidden_size=8), 4), (GRU(hidden_size=8), 3)]
)
def test_a_keras_kernel_is_glorot_with_all_gates_in_its_fan_out(spec: ModelSpec, gates: int) -> None:
    bound = math.sqrt(6 / (3 + gates * 8))
    assert fills(many(spec, "layer0.kernel"), -bound, bound)


def test_a_full_width_convolution_is_glorot_with_the_fans_of_a_convolution() -> None:
    bound = math.sqrt(6 / (50 * 3 + 50 * 4))  # T C in, T filters out
    assert fills(many(CNN(filters=4), "convolution.kernel", 20), -bound, bound)


def test_a_keras_dense_layer_is_glorot_and_starts_without_bias() -> None:
    drawn = many(MLP(hidden_size=(16, 20)), "layer1.kernel", 20)
    assert fills(drawn, -math.sqrt(6 / 36), math.sqrt(6 / 36))
    assert not many(MLP(hidden_size=(16, 20)), "layer1.bias", 2).any()


@pytest.mark.parametrize("spec", [RNN(hidden_size=6), LSTM(hidden_size=6), GRU(hidden_size=6)])
def test_the_rows_of_a_keras_recurrent_matrix_are_orthonormal(spec: ModelSpec) -> None:
    for matrix in many(spec, "layer0.recurrent", 20):
        assert torch.allclose(matrix @ matrix.T, torch.eye(6), atol=1e-6)


def test_a_tall_orthogonal_matrix_has_orthonormal_columns() -> None:
    matrix = initializers.orthogonal((7, 3), stream(1))
    assert matrix.shape == (7, 3)
    assert torch.allclose(matrix.T @ matrix, torch.eye(3), atol=1e-6)


def test_orthogonal_matrices_favour_no_direction() -> None:
    """The mean of 4 000 rotations is zero within 5 standard errors (entries have variance 1/3): 9 entries, p < 1e-5."""
    mean = torch.stack([initializers.orthogonal((3, 3), stream("turn", n)) for n in range(4_000)]).mean(0)
    assert float(mean.abs().max()) < 5 * math.sqrt(1 / 3 / 4_000)


def test_one_recurrent_unit_starts_at_plus_or_minus_one() -> None:
    """60 draws: all of one sign has p = 2e-18."""
    assert set(many(RNN(hidden_size=1), "layer0.recurrent", 60).flatten().tolist()) == {1.0, -1.0}


def test_keras_lstm_biases_are_one_at_the_forget_gate_and_zero_elsewhere() -> None:
    bias = started(LSTM(hidden_size=3))["layer0.bias"]
    assert bias.tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6


def test_keras_gru_starts_without_bias_and_has_two() -> None:
    weights = started(GRU(hidden_size=3))
    assert not weights["layer0.bias"].any()
    assert not weights["layer0.recurrent_bias"].any()


@pytest.mark.parametrize("spec", [RNN(hidden_size=16), LSTM(hidden_size=16), GRU(hidden_size=16)])
def test_torch_starts_everything_within_one_over_the_root_of_h(spec: ModelSpec) -> None:
    torch_like = spec.model_copy(update={"initialization": "torch"})
    for name in started(torch_like):
        assert fills(many(torch_like, name, 1_100), -0.25, 0.25), name


def test_a_torch_dense_layer_starts_within_one_over_the_root_of_its_inputs() -> None:
    for name in ("layer1.kernel", "layer1.bias"):
        assert fills(many(MLP(hidden_size=(16, 20), initialization="torch"), name, 200), -0.25, 0.25)


@pytest.mark.parametrize("length", [2, 3, 50, 1_000])
def test_chrono_spreads_the_forget_biases_over_the_length(length: int) -> None:
    """exp(b_f) ~ U(1, T - 1) and b_i = -b_f; n = 10 x 400 draws."""
    signature = Signature(length, 1, 1, Problem.REGRESSION)
    bias = many(LSTM(hidden_size=400, initialization="chrono"), "layer0.bias", 10, signature)
    i, f, g, o = bias.unflatten(1, (4, 400)).unbind(1)
    assert torch.equal(i, -f)
    assert not g.any()
    assert not o.any()
    if length == 2:
        assert not f.any()
    else:
        assert float(f.min()) >= 0
        assert float(f.max()) <= math.log(length - 1) + 1e-6
        assert fills(f.exp(), 1 - 1e-6, length - 1 + 1e-3)


def test_a_chrono_forget_bias_means_a_time_constant_of_its_exponential() -> None:
    """b = log(T - 1) gives f = 1 - 1/T, so tau = -1 / log f = T - 1/2 (T = 100: 99.50; 1 000: 999.5)."""
    for length in (100, 1_000):
        forget = torch.sigmoid(torch.tensor(math.log(length - 1), dtype=torch.float64))
        assert float(-1 / forget.log()) == pytest.approx(length - 0.5, abs=0.01)


def test_chrono_in_a_gru_biases_the_gate_that_keeps_the_state() -> None:
    bias = many(GRU(hidden_size=400, initialization="chrono"), "layer0.bias", 10)
    r, z, n = bias.unflatten(1, (3, 400)).unbind(1)
    assert not r.any()
    assert not n.any()
    assert fills(z.exp(), 1 - 1e-6, 49 + 1e-3)


def test_the_update_gate_of_a_gru_keeps_its_state_when_open() -> None:
    """With z = 1 nothing new gets in: the state stays 0 whatever is shown."""
    network = build(GRU(hidden_size=2), SIGNATURE)
    weights = {name: weight.unsqueeze(0).clone() for name, weight in started(GRU(hidden_size=2)).items()}
    weights["layer0.bias"][0, 2:4] = 60.0
    outputs = network.forward(weights, torch.randn(1, 5, 50, 3, generator=stream(1)))
    assert torch.equal(outputs, weights["readout.bias"].expand_as(outputs[:, 0]).unsqueeze(1).expand_as(outputs))


def test_chrono_leaves_the_rest_as_keras_has_it() -> None:
    for spec in (LSTM(hidden_size=4), GRU(hidden_size=4)):
        chrono = spec.model_copy(update={"initialization": "chrono"})
        assert torch.equal(started(spec)["layer0.kernel"], started(chrono)["layer0.kernel"])
        assert torch.equal(started(spec)["layer0.recurrent"], started(chrono)["layer0.recurrent"])


def test_an_irnn_starts_at_the_identity_with_a_tiny_kernel() -> None:
    """U = I, b = 0, kernel N(0, 0.001^2): the deviation of n = 4 800 normals lies within 6 % (p < 1e-8)."""
    irnn = RNN.model_validate({"hidden_size": 8, "initialization": "irnn"})
    weights = started(irnn)
    assert torch.equal(weights["layer0.recurrent"], torch.eye(8))
    assert not weights["layer0.bias"].any()
    kernel = many(irnn, "layer0.kernel")
    assert float(kernel.std()) == pytest.approx(0.001, rel=0.06)
    assert abs(float(kernel.mean())) < 5 * 0.001 / math.sqrt(kernel.numel())


def test_a_forget_bias_of_your_own_leaves_the_rest_as_keras_has_it() -> None:
    own, keras = (
        started(LSTM(hidden_size=3, **how)) for how in ({"initialization": "forget_bias", "forget_bias": 5.0}, {})
    )
    assert own["layer0.bias"].tolist() == [0.0] * 3 + [5.0] * 3 + [0.0] * 6
    assert all(torch.equal(own[name], keras[name]) for name in own if name != "layer0.bias")


@pytest.mark.parametrize("initialization", ["keras", "torch", "chrono"])
def test_peepholes_start_normal_with_a_deviation_of_a_tenth(initialization: str) -> None:
    """n = 3 x 2 400: each deviation within 9 % of 0.1 (p < 1e-8)."""
    spec = LSTM.model_validate({"hidden_size": 12, "peephole": True, "initialization": initialization})
    for gate in "ifo":
        drawn = many(spec, f"layer0.peephole_{gate}")
        assert float(drawn.std()) == pytest.approx(0.1, rel=0.09)


def test_a_power_law_lstm_starts_within_one_over_the_root_of_h_and_with_any_exponent() -> None:
    spec = PowerLawLSTM(hidden_size=16, learn_p=True)
    for name in ("layer0.kernel", "layer0.recurrent", "layer0.bias", "readout.kernel", "readout.bias"):
        assert fills(many(spec, name, 1_100), -0.25, 0.25), name
    assert fills(torch.sigmoid(many(spec, "layer0.p_raw")), 0, 1)
    assert "layer0.recurrent_bias" not in started(spec)


@pytest.mark.parametrize("spec", [MinGRU(hidden_size=8), MinLSTM(hidden_size=8)])
def test_cells_without_a_recurrent_matrix_start_as_linear_layers(spec: ModelSpec) -> None:
    """torch: U(±1/sqrt(inputs)), here 3 channels; the layer above has 8. keras: Glorot, and no bias."""
    stack = spec.model_copy(update={"hidden_size": (8, 8), "initialization": "torch"})
    for name, inputs in (("layer0", 3), ("layer1", 8)):
        for part in ("kernel", "bias"):
            assert fills(many(stack, f"{name}.{part}"), -1 / math.sqrt(inputs), 1 / math.sqrt(inputs))
    gates = 2 if spec.kind == "min_gru" else 3
    assert fills(many(spec, "layer0.kernel"), -math.sqrt(6 / (3 + gates * 8)), math.sqrt(6 / (3 + gates * 8)))
    assert not started(spec)["layer0.bias"].any()


def test_chrono_in_a_min_gru_biases_the_gate_that_overwrites_downwards() -> None:
    bias = many(MinGRU(hidden_size=400, initialization="chrono"), "layer0.bias", 10)
    z, h = bias.unflatten(1, (2, 400)).unbind(1)
    assert not h.any()
    assert fills((-z).exp(), 1 - 1e-6, 49 + 1e-3)


def test_chrono_in_a_min_lstm_opposes_its_gates() -> None:
    bias = many(MinLSTM(hidden_size=400, initialization="chrono"), "layer0.bias", 10)
    f, i, h = bias.unflatten(1, (3, 400)).unbind(1)
    assert torch.equal(i, -f)
    assert not h.any()
    assert fills(f.exp(), 1 - 1e-6, 49 + 1e-3)


def test_chrono_opposes_the_gates_that_an_lstm_has() -> None:
    bias = started(LSTM(hidden_size=5, initialization="chrono", open_gates=("i",)))["layer0.bias"]
    f, g, o = bias.unflatten(0, (3, 5)).unbind(0)
    assert f.all()
    assert not g.any()
    assert not o.any()
