"""Choices that contradict each other are refused where they stand, in a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from memspan.interfaces.model import ModelSpec
from memspan.models.attention import Attention
from memspan.models.delta_net import DeltaNet
from memspan.models.gated_linear_attention import GatedLinearAttention
from memspan.models.gru import GRU
from memspan.models.hyena import Hyena
from memspan.models.lru import LRU
from memspan.models.lstm import LSTM
from memspan.models.mamba import Mamba
from memspan.models.mlstm import MLSTM
from memspan.models.power_law_lstm import PowerLawLSTM
from memspan.models.rnn import RNN
from memspan.models.s4d import S4D
from memspan.models.slstm import SLSTM

WRONG: list[tuple[type[ModelSpec], dict[str, Any], str, str]] = [
    (RNN, {"initialization": "irnn", "activation": "tanh"}, "activation", "set it to relu"),
    (LSTM, {"forget_bias": 3}, "forget_bias", "needs the initialization forget_bias"),
    (LSTM, {"open_gates": ["o", "o"]}, "open_gates", "held open once"),
    (LSTM, {"open_gates": ["f"]}, "open_gates", "'i' or 'o'"),
    (PowerLawLSTM, {"p": 0}, "p", "greater than 0"),
    (PowerLawLSTM, {"p": 1}, "p", "less than 1"),
    (PowerLawLSTM, {"p": 0.5, "learn_p": True}, "p", "one of the two"),
    (LRU, {"least_modulus": 0.9995}, "largest_modulus", "above least_modulus"),
    (LRU, {"model_size": 1}, "model_size", "between 2 and"),
    (Attention, {"window": 0}, "window", "greater than or equal to 1"),
    (Attention, {"short_convolution": 1}, "short_convolution", "greater than or equal to 2"),
    (Attention, {"embedding_std": 0}, "embedding_std", "greater than 0"),
    (Attention, {"layers": 0}, "layers", "greater than or equal to 1"),
    (Attention, {"mlp": -1}, "mlp", "greater than or equal to 0"),
    (Attention, {"hidden_size": [3, 2]}, "hidden_size", "valid integer"),
    (S4D, {"initialization": "linear", "state_size": 3}, "state_size", "even where the states are pairs"),
    (Mamba, {"state_size": 0}, "state_size", "greater than or equal to 1"),
    (GatedLinearAttention, {"decay": "none"}, "decay", "'vector', 'head' or 'fixed'"),
    (DeltaNet, {"key_size": 0}, "key_size", "greater than or equal to 1"),
    (DeltaNet, {"gated": 1}, "gated", "boolean"),
    (MLSTM, {"heads": 0}, "heads", "greater than or equal to 1"),
    (Hyena, {"filter_size": 0}, "filter_size", "greater than or equal to 1"),
    (GRU, {"dropout": 1}, "dropout", "less than 1"),
    (GRU, {"bidirectional": "yes"}, "bidirectional", "boolean"),
]

MISFITS: list[tuple[type[ModelSpec], dict[str, Any], str]] = [
    (Attention, {"hidden_size": 32, "heads": 3}, "divide hidden_size, 32"),
    (Attention, {"hidden_size": 6, "heads": 2}, "must be even, given 6 / 2"),
    (GatedLinearAttention, {"hidden_size": 32, "heads": 5}, "divide hidden_size, 32"),
    (SLSTM, {"hidden_size": 9, "heads": 2}, "divide hidden_size, 9"),
]


@pytest.mark.parametrize(("spec", "given", "message"), MISFITS, ids=str)
def test_heads_that_do_not_go_with_the_width_are_named(
    spec: type[ModelSpec], given: dict[str, Any], message: str
) -> None:
    """Not when the spec is read: a width that follows from a match isn't known then."""
    assert message in spec.model_validate(given).misfits()["heads"]


@pytest.mark.parametrize(("spec", "given", "field", "message"), WRONG, ids=str)
def test_a_contradiction_is_named_where_it_stands(
    spec: type[ModelSpec], given: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        spec.model_validate(given)
    (error,) = refused.value.errors()
    assert error["loc"][0] == field
    assert message in error["msg"]


def test_irnn_implies_relu() -> None:
    implied = RNN.model_validate({"initialization": "irnn"})
    assert implied == RNN(initialization="irnn", activation="relu")
    assert RNN.model_validate_json(implied.model_dump_json()) == implied
    assert implied.content() == {"kind": "rnn", "hidden_size": 16, "initialization": "irnn", "activation": "relu"}


@pytest.mark.parametrize("spec", [RNN, LSTM, GRU])
def test_a_choice_that_is_not_made_leaves_the_seeds_as_they_were(spec: type[ModelSpec]) -> None:
    """Seeds are made of the content, so options that came later must not show in it."""
    assert spec.model_validate({"hidden_size": 2, "dropout": 0, "bidirectional": False}).content() == {
        "kind": spec().kind, "hidden_size": 2,
    }  # fmt: skip


def test_open_gates_are_a_set() -> None:
    assert LSTM(open_gates=("o", "i")) == LSTM(open_gates=("i", "o"))
