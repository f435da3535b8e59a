"""Numbers, durations and times in words."""

from __future__ import annotations

import pytest

from service.pages import words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, "0.5000"),
        (12, "12.00"),
        (0, "0"),
        (1234.5, "1,234"),
        (-98765, "-98,765"),
        (3e-7, "3.00e-07"),
        (0.00012345, "0.0001234"),
        (2.5e9, "2.50e+09"),
        (None, "–"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
    ],
)
def test_numbers_keep_four_digits(value: object, expected: str) -> None:
    assert words.number(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.5, "0.5"), (25.0, "25"), (0.98, "0.98"), (None, "–")])
def test_given_numbers_have_no_padding(value: object, expected: str) -> None:
    assert words.short(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (95, "1 min 35 s"), (3600, "1 h"), (93_784, "1 d 2 h"), (None, "–")],
)
def test_durations_have_two_units_at_most(seconds: object, expected: str) -> None:
    assert words.duration(seconds) == expected


def test_times_are_universal() -> None:
    assert words.moment("2024-05-02T12:11:12+02:00") == "2024-05-02 10:11 UTC"
    assert words.moment(None) == "–"
    assert words.moment("soon") == "soon"


def test_counts_and_shares() -> None:
    assert (words.count(1500), words.count(None), words.percent(0.634)) == ("1,500", "–", "63 %")
    assert words.interval(1, None) == ""
