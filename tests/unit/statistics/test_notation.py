"""How numbers are written."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memspan.interfaces.json_numbers import spelled
from memspan.statistics.notation import UNKNOWN, duration, number, progress, share, span_with_interval, with_interval

anything = st.one_of(
    st.none(), st.booleans(), st.text(), st.integers(), st.floats(), st.floats().map(spelled), st.lists(st.integers())
)
finite = st.floats(-1e300, 1e300)
usual = st.one_of(finite, st.floats(-2, 2), st.floats(0, 1e-3), st.integers(-2_000, 2_000).map(float))


def read(text: str) -> float:
    return float(text.replace(",", "").replace("∞", "inf"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, "0.5"),
        (12, "12"),
        (1_234_567_890, "1,234,567,890"),
        (0, "0"),
        (-0.0, "0"),
        (1234.5, "1,234"),
        (999.96, "1,000"),
        (-98765.4, "-98,765"),
        (3e-7, "3e-07"),
        (0.00012345, "0.0001234"),
        (2.5e9, "2.5e+09"),
        (None, "–"),
        (float("nan"), "NaN"),
        ("NaN", "NaN"),
        ("Infinity", "∞"),
        (float("-inf"), "-∞"),
    ],
)
def test_a_number_alone_has_four_digits_at_most(value: object, expected: str) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0.0104, 2.2e-6, 0.112), "0.010 (2e-06 to 0.11)"),
        ((0.87341, 0.85124, 0.89112), "0.873 (0.851 to 0.891)"),
        ((0.9, 0.85, 0.95), "0.90 (0.85 to 0.95)"),
        ((34.52, 30.11, 41.7), "35 (30 to 42)"),
        ((1234.5, 1200, 1300), "1,234 (1,200 to 1,300)"),
        ((3643290432751.2, 1.672e9, 6.65e13), "3.6e+12 (2e+09 to 6.6e+13)"),
        ((0.5, 0.5, 0.5), "0.5 (0.5 to 0.5)"),
        ((1, 1, 1), "1 (1 to 1)"),
        ((1.0, 0.98, 1.0), "1.000 (0.980 to 1.000)"),
        ((0.0, -0.02, 0.03), "0 (-0.020 to 0.030)"),
        ((-0.0999, -2.2, 2.3), "-0.10 (-2.2 to 2.3)"),
        ((0.123456, 0.1, "Infinity"), "0.123 (0.100 to ∞)"),
        ((2.0, "-Infinity", "Infinity"), "2 (-∞ to ∞)"),
        (("NaN", "NaN", "NaN"), "NaN"),
        ((0.25, None, None), "0.25"),
        ((None, None, None), "–"),
    ],
)
def test_a_value_has_the_digits_that_its_interval_earns(numbers: tuple[Any, Any, Any], expected: str) -> None:
    assert str(with_interval(*numbers)) == expected


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0.8, 0.6269, 0.9049), "80 % (63 to 90 %)"),
        ((0.996, 0.99, 0.999), "99.60 % (99.00 to 99.90 %)"),
        ((0.0, 0.0, 0.66), "0 % (0 to 66 %)"),
        ((0.57, None, None), "57 %"),
        ((None, None, None), "–"),
    ],
)
def test_a_share_is_a_percentage(numbers: tuple[Any, Any, Any], expected: str) -> None:
    assert str(share(*numbers)) == expected


@pytest.mark.parametrize(
    ("low", "middle", "high", "censored", "expected"),
    [
        (30.1, 34.6, 41.7, None, "35 (30 to 42)"),
        (4.2, 5.6, 8.1, None, "5.6 (4.2 to 8.1)"),
        (45.0, 50.0, 50.0, "above", "> 50 (45 to > 50)"),
        (4.53, 8.0, 8.0, "above", "> 8.0 (4.5 to > 8.0)"),
        (562.3, 999.9996, 1000.0, None, "1,000 (562 to 1,000)"),
        (2.0, 2.0, 3.0, "below", "< 2 (< 2 to 3)"),
        (50.0, 50.0, 50.0, "above", "> 50"),
        (2.0, 2.0, 2.0, "below", "< 2"),
        (7.0, 7.0, 7.0, None, "7 (7 to 7)"),
        (None, None, None, None, "–"),
        (None, 400.0, None, "above", "> 400"),
        (None, 5.0, None, "below", "< 5"),
        (None, 12.3, None, None, "12.3"),
    ],
)
def test_a_span_says_when_it_lies_beyond_the_tested_lengths(
    low: Any, middle: Any, high: Any, censored: str | None, expected: str
) -> None:
    assert str(span_with_interval({"span": middle, "low": low, "high": high, "censored": censored})) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"), (59.4, "59 s"), (60, "1 min"), (365, "6 min 5 s"), (3600, "1 h"), (3_605, "1 h"),
        (93_784, "1 d 2 h"), (-3, "0 s"), (None, "–"), ("Infinity", "–"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_durations_have_two_units_at_most(seconds: object, expected: str) -> None:
    assert duration(seconds) == expected


def test_progress_is_told_in_words() -> None:
    assert progress(4, 480, "epochs") == "4 of 480 epochs"
    assert progress(1_500.5, 12_000, "epochs") == "1,500 of 12,000 epochs"


@given(anything, anything, anything, st.sampled_from(["above", "below", None]))
def test_whatever_a_document_holds_can_be_written(a: object, b: object, c: object, censored: str | None) -> None:
    entry = {"span": a, "low": b, "high": c, "censored": censored}
    texts = [number(a), duration(a), str(with_interval(a, b, c)), str(share(a, b, c)), str(span_with_interval(entry))]
    assert all(isinstance(text, str) for text in texts)
    known = isinstance(a, int | float) and not isinstance(a, bool)
    assert not known or all(texts)


@given(usual)
def test_a_number_reads_back_within_its_four_digits(value: float) -> None:
    assert read(number(value)) == pytest.approx(value, rel=0.5e-3, abs=0)
    assert not re.fullmatch(r"-0\.?0*", number(value))


@given(st.lists(usual, min_size=3, max_size=3).map(sorted))
def test_a_value_is_never_shown_outside_its_interval(numbers: list[float]) -> None:
    low, value, high = numbers
    written = with_interval(value, low, high)
    left, right = map(read, written.interval.split(" to "))
    assert left <= read(written.value) <= right
    assert not re.search(r"(?<![\d.])-0\.?0*(?![\d.e])", str(written))


@given(st.lists(usual, min_size=3, max_size=3).map(sorted))
def test_what_is_shown_reads_back_within_the_digits_shown(numbers: list[float]) -> None:
    """Half a unit of the last digit, and where the interval has a width, no more than a tenth of that."""
    low, value, high = numbers
    written = with_interval(value, low, high)
    for shown, meant in zip([written.value, *written.interval.split(" to ")], (value, low, high), strict=True):
        assert abs(read(shown) - meant) <= max(0.501 * last_digit(shown), 1e-12 * abs(meant))
        assert high / 2 - low / 2 <= 1e-9 * max(map(abs, numbers)) or abs(read(shown) - meant) / 2 <= (
            0.1 * (high / 2 - low / 2)
        )


def last_digit(shown: str) -> float:
    """What a unit of its last digit is worth."""
    mantissa, _, exponent = shown.replace(",", "").partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


@given(st.lists(st.floats(0.5, 1e6), min_size=3, max_size=3).map(sorted), st.sampled_from(["above", "below", None]))
def test_a_span_is_never_shown_outside_its_interval(numbers: list[float], censored: str | None) -> None:
    written = span_with_interval(dict(zip(("low", "span", "high"), numbers, strict=True)) | {"censored": censored})
    value, *ends = (read(text.strip("<> ")) for text in (written.value, *written.interval.split(" to ")))
    assert ends[0] <= value <= ends[-1]


def test_what_is_unknown_is_a_dash_everywhere() -> None:
    assert {
        number(None),
        duration(None),
        str(with_interval(None, 1, 2)),
        str(share(None)),
        str(span_with_interval({})),
    } == {UNKNOWN}
