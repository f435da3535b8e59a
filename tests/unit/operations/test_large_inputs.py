"""Large inputs: read piece by piece, to the very numbers that reading them at once gives."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from service.errors import BadRequest, TooLarge, Unprocessable
from service.operations import large_inputs
from service.operations.inputs import array_of
from service.operations.large_inputs import LargeInputs

RNG = np.random.default_rng(3)


def body(inputs: Any, **how: Any) -> bytes:
    return json.dumps({"inputs": inputs}, **how).encode()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces and windows so small that a few kilobytes have many of them."""
    monkeypatch.setattr(large_inputs, "PIECE_BYTES", 300)
    monkeypatch.setattr(large_inputs, "WINDOW_BYTES", 256)


@pytest.mark.parametrize("shape", [(2_000,), (300, 7), (40, 5, 3), (1, 30, 1), (70, 1, 1), (6, 2, 3, 4)])
@pytest.mark.parametrize("how", [{}, {"indent": 3}, {"separators": (",", ":")}])
def test_pieces_give_what_the_whole_does(shape: tuple[int, ...], how: dict[str, Any]) -> None:
    inputs = RNG.normal(0, 10 ** float(RNG.integers(-3, 4)), shape).tolist()
    made = LargeInputs.of(b" \n" + body(inputs, **how) + b"\n ", 0).array(10_000)
    assert made.dtype == np.float32
    assert np.array_equal(made, array_of(inputs))


def test_no_piece_is_much_longer_than_its_sequences() -> None:
    inputs = LargeInputs.of(body([[0.5] * 9] * 1_000), 0)
    assert max(end - begin for begin, end in inputs._pieces()) < 300 + 60
    assert sum(1 for _ in inputs._pieces()) > 100


@pytest.mark.parametrize(
    ("spoilt", "pointer", "code"),
    [
        ("null", "#/inputs/700/1", "wrong_type"),
        ("1e99", "#/inputs/700/1", "not_finite"),
        ("NaN", "#/inputs/700/1", "not_finite"),
        ("[1]", "#/inputs/700/1", "wrong_type"),
        ("1,2", "#/inputs/700", "wrong_shape"),
        ("true", "#/inputs/700/1", "wrong_type"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_in_the_whole(spoilt: str, pointer: str, code: str) -> None:
    rows = ["[0.5,0.25]"] * 1_000
    rows[700] = f"[0.5,{spoilt}]"
    with pytest.raises(Unprocessable) as refused:
        LargeInputs.of(f'{{"inputs":[{",".join(rows)}]}}'.encode(), 0).array(2)
    assert (refused.value.errors[0].pointer, refused.value.errors[0].code) == (pointer, code)


def test_sequences_of_another_shape_in_a_later_piece_are_told() -> None:
    rows = [[0.5, 0.5]] * 500 + [[0.5, 0.5, 0.5]] * 500
    with pytest.raises(Unprocessable) as refused:
        LargeInputs.of(body(rows), 0).array(3)
    assert refused.value.errors[0].code == "wrong_shape"


def test_a_sequence_that_no_model_takes_is_not_read() -> None:
    with pytest.raises(Unprocessable, match="at most 10 numbers") as refused:
        LargeInputs.of(body([[0.5] * 10, [0.5] * 5_000]), 0).array(10)
    assert refused.value.errors[0].code == "too_long"


@pytest.mark.parametrize("brackets", ["[[],[],[]]", "[[[[1]]]]"])
def test_brackets_are_counted_as_numbers_are(brackets: str) -> None:
    with pytest.raises(Unprocessable, match="may hold at most"):
        LargeInputs.of(f'{{"inputs":[[{",".join([brackets] * 5_000)}]]}}'.encode(), 0).array(10)


@pytest.mark.parametrize(
    "raw",
    [b'{"inputs": ["a", 1, 2]}', b'{"inputs": [1, {"a": 2}]}', b'{"input": [1, 2]}', b'{"inputs": [1], "more": [2]}',
     b"[1, 2, 3]", b'{"inputs": 1}', b'{"inputs": [1, 2]', b""],
)  # fmt: skip
def test_of_bodies_with_anything_else_fewer_values_are_read(raw: bytes) -> None:
    with pytest.raises(TooLarge, match="more than 5 are read"):
        LargeInputs.of(raw, 5)


@pytest.mark.parametrize("inner", ["1,,2", "1 2", "[1],[2]],[[3]", "01", "[1,2", "1]", "+1,2"])
def test_what_is_no_json_is_told(inner: str) -> None:
    with pytest.raises((BadRequest, Unprocessable)):
        LargeInputs.of(f'{{"inputs":[{inner}]}}'.encode(), 0).array(100)


def test_the_text_is_let_go_once_it_is_read_since_clients_may_take_their_answer_slowly() -> None:
    inputs = LargeInputs.of(body([[0.5] * 9] * 1_000), 0)
    before = len(inputs.text)
    inputs.array(10_000)
    assert before > 40_000
    assert len(inputs.text) == 0
