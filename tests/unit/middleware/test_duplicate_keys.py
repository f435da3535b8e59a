"""Duplicate keys are named where they stand."""

from __future__ import annotations

import pytest

from service.middleware.duplicate_keys import duplicate_keys


@pytest.mark.parametrize(
    ("raw", "pointers"),
    [
        (b'{"a": 1}', []),
        (b'{"a": {"a": 1}, "b": {"a": 1}}', []),
        (b'{"a": "b: c: d"}', []),
        (b'{"a": 1, "a": 1}', ["#/a"]),
        (b'{"a": 1, "a": 2, "a": 3}', ["#/a"]),
        (b'{"a": [{"b": 1, "b": 1}, {"b/c": 1, "b/c": 1}]}', ["#/a/0/b", "#/a/1/b~1c"]),
        (b'{"a": 1, "\\u0061": 2}', ["#/a"]),
        (b'{"a": NaN, "a": ' + b"9" * 10_000 + b"}", ["#/a"]),
        ('{"ä": 1, "ä": 2}'.encode(), ["#/%C3%A4"]),
    ],
    ids=range(9),
)
def test_a_key_that_stands_twice_is_named_once(raw: bytes, pointers: list[str]) -> None:
    assert [fault.pointer for fault in duplicate_keys(raw)] == pointers


def test_a_long_list_of_numbers_is_not_read_again() -> None:
    """Not even when it is no JSON: one colon can't hold two keys."""
    assert duplicate_keys(b'{"inputs": [1, 2') == []
