"""Sizes of the networks that the source articles print or imply."""

from __future__ import annotations

import pytest

from memspan.interfaces.model import ModelSpec
from memspan.models import build
from memspan.models.cnn import CNN
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.mlp import MLP
from memspan.models.rnn import RNN
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch


def parameters(spec: ModelSpec, prefix: str = "", length: int = 69) -> dict[str, int]:
    """Numbers of each part of the network on the latch task."""
    network = build(spec, Latch().signature(length))
    sizes = {name: int.__mul__(*weight.shape) if len(weight.shape) == 2 else weight.shape[0]
             for name, weight in network.weights.items()}  # fmt: skip
    parts = {name.split(".")[0] for name in sizes}
    return {part: sum(size for name, size in sizes.items() if name.startswith(part)) for part in parts}


def test_one_unit_cells_have_the_sizes_of_the_latch_question() -> None:
    assert parameters(RNN(hidden_size=1)) == {"layer0": 3, "readout": 4}
    assert parameters(LSTM(hidden_size=1)) == {"layer0": 12, "readout": 4}
    assert parameters(GRU(hidden_size=1)) == {"layer0": 12, "readout": 4}  # 3 gates x (input, state, two biases)


def test_the_lstm_of_first_and_last_has_687_parameters() -> None:
    network = build(LSTM(hidden_size=(8, 6), activation="softplus"), FirstLast().signature(69))
    assert network.parameters == 320 + 360 + 7 == 687
    assert network.state_size == 2 * (8 + 6)


@pytest.mark.parametrize("length", [2, 68, 69, 100])
def test_the_convolution_of_first_and_last_grows_with_the_sequence(length: int) -> None:
    network = build(CNN(), FirstLast().signature(length))
    assert network.parameters == 3 * length + 3 + 8 + 3
    assert network.receptive_field == length


def test_the_convolution_has_221_parameters_at_69_steps() -> None:
    assert build(CNN(), FirstLast().signature(69)).parameters == 221


def test_mnist_rows_cells_have_their_published_sizes() -> None:
    """SimpleRNN(64) 5 952 + 650, LSTM(64) 23 808 + 650 for 28 inputs and 10 classes."""
    from memspan.interfaces.signature import Problem, Signature

    rows = Signature(28, channels=28, outputs=10, problem=Problem.CLASSIFICATION)
    assert build(RNN(hidden_size=64), rows).parameters == 5_952 + 650
    assert build(LSTM(hidden_size=64), rows).parameters == 23_808 + 650


def test_an_mlp_sees_all_steps_side_by_side() -> None:
    assert build(MLP(hidden_size=(5, 4)), FirstLast().signature(10)).parameters == 10 * 5 + 5 + 5 * 4 + 4 + 4 + 1


def test_building_a_huge_network_allocates_nothing() -> None:
    """4 096 units x 16 layers at 10 000 steps: counted, not drawn."""
    assert build(LSTM(hidden_size=(4_096,) * 16), FirstLast().signature(10_000)).parameters > 2e9
