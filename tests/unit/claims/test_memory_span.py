"""Memory spans as claims need them."""

from __future__ import annotations

import pytest

from memspan.claims.evidence import NotMeasured
from memspan.claims.memory_span import measured_span, span_ratio
from memspan.statistics.span import Censored, Span
from tests.unit.claims.findings import ONE, OTHER, SPEC, experiment, row, rows


def span(value: float, low: float, high: float, censored: Censored = None) -> Span:
    return Span(value, low, high, int(low), censored)


def test_a_span_comes_with_its_interval() -> None:
    found = measured_span(span(20, 10, 30), 5)
    assert (found.value, found.low, found.high, found.n, found.note) == (20, 10, 30, 5, "")


def test_a_span_outside_the_tested_lengths_says_so() -> None:
    above, below = measured_span(span(1000, 400, 1000, "above"), 5), measured_span(span(5, 5, 8, "below"), 5)
    assert above.note == "The span lies beyond the longest tested length: it is 1000 steps or more."
    assert above.low == 400
    assert below.note == "The span lies beyond the shortest tested length: it is 5 steps or less."
    assert below.low == 0, "nothing bounds it from below"


def test_a_ratio_of_spans_lies_in_an_interval_on_the_scale_of_logarithms() -> None:
    found = span_ratio(span(40, 20, 80), span(10, 5, 20), 7)
    factor = 2**2**0.5  # both are uncertain by a factor of 2
    assert found.value == pytest.approx(4)
    assert (found.low, found.high) == pytest.approx((4 / factor, 4 * factor))
    assert found.n == 7
    assert found.note == "Spans: 40 and 10 steps."


def test_a_certain_span_adds_nothing_to_the_interval_of_a_ratio() -> None:
    found = span_ratio(span(40, 20, 80), span(10, 10, 10), 7)
    assert (found.low, found.high) == pytest.approx((2, 8))


@pytest.mark.parametrize(
    ("first", "second"), [(span(5, 5, 6, "below"), span(10, 9, 11)), (span(10, 9, 11), span(90, 80, 90, "above"))]
)
def test_a_ratio_that_is_a_largest_value_is_not_bounded_from_below(first: Span, second: Span) -> None:
    found = span_ratio(first, second, 5)
    assert found.low == 0
    assert found.note.endswith("The ratio is a largest value.")


@pytest.mark.parametrize(
    ("first", "second"), [(span(90, 80, 90, "above"), span(10, 9, 11)), (span(10, 9, 11), span(5, 5, 6, "below"))]
)
def test_a_ratio_that_is_a_least_value_says_so(first: Span, second: Span) -> None:
    found = span_ratio(first, second, 5)
    assert found.low > 0
    assert found.note.endswith("The ratio is a least value.")


@pytest.mark.parametrize("censored", ["above", "below"])
def test_two_spans_outside_on_the_same_side_have_no_ratio(censored: Censored) -> None:
    with pytest.raises(NotMeasured, match="nothing is known of their ratio"):
        span_ratio(span(90, 80, 90, censored), span(90, 80, 90, censored), 5)


def test_a_part_knows_the_span_of_a_model_over_its_lengths() -> None:
    runs = rows([1.0] * 3, [0.5] * 3, [1.0] * 3, [1.0] * 3)
    found = experiment(runs)
    assert found.memory_span(ONE).censored is None
    assert 2 <= found.span(ONE).low <= found.span(ONE).value <= found.span(ONE).high <= 5
    assert found.span(ONE, SPEC.tasks[0]).n == 3
    assert found.span(OTHER).value == 5
    assert found.span(OTHER).note.endswith("5 steps or more.")


def test_a_span_is_measured_when_all_lengths_have_ended() -> None:
    runs = [*rows([1.0] * 3), row(1, 0, 1.0, state="running"), row(1, 1, 1.0), row(1, 2, 1.0)]
    with pytest.raises(NotMeasured, match="2 of 3 runs of rnn at length 5"):
        experiment(runs).span(ONE)
