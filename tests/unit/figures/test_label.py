"""Short names of models."""

from __future__ import annotations

import pytest

from memspan.figures.label import label
from tests.unit.figures.document import CHRONO, LSTM, RNN


def test_a_kind_alone_names_a_model_that_has_no_sibling() -> None:
    assert label(RNN, [RNN, LSTM, CHRONO]) == "rnn"


def test_siblings_are_told_apart_by_what_differs() -> None:
    assert [label(model, [RNN, LSTM, CHRONO]) for model in (LSTM, CHRONO)] == ["lstm · keras", "lstm · chrono"]


@pytest.mark.parametrize(
    ("field", "value", "other", "expected"),
    [
        ("hidden_size", 8, 16, "gru · hidden size 8"),
        ("dropout", 0.25, 0.0, "gru · dropout 0.25"),
        ("peephole", True, False, "gru · peephole"),
        ("peephole", False, True, "gru · no peephole"),
        ("chrono", None, 5, "gru · no chrono"),
        ("widths", [8, 6], [8], "gru · widths [8,6]"),
        ("note", "x" * 90, "y", "gru · " + "x" * 23 + "…"),
    ],
)
def test_a_differing_field_is_said_in_words(field: str, value: object, other: object, expected: str) -> None:
    model = {"kind": "gru", field: value}
    assert label(model, [model, {"kind": "gru", field: other}]) == expected


def test_a_field_that_only_a_sibling_has_does_not_matter() -> None:
    assert label({"kind": "gru"}, [{"kind": "gru"}, {"kind": "gru", "peephole": True}]) == "gru"
