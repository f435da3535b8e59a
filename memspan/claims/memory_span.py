"""Memory spans as claims need them: a number with its interval, and how many times farther one reaches than another."""

from __future__ import annotations

from math import exp, hypot, log

import numpy as np

from memspan.claims.measured import Measured, NotMeasured, alone
from memspan.statistics.span import Span


def measured_span(span: Span, repeats: int) -> Measured:
    """A memory span in steps; below the shortest tested length the interval starts at 0, for nothing bounds it."""
    if repeats == 1:
        return alone(span.span, _beyond(span))
    low = 0.0 if span.censored == "below" else span.low
    return Measured(span.span, low, span.high, repeats, _beyond(span))


def _beyond(span: Span) -> str:
    """What a reader must know of a span that lies outside the tested lengths."""
    if span.censored is None:
        return ""
    end, word = ("longest", "more") if span.censored == "above" else ("shortest", "less")
    return f"The span lies beyond the {end} tested length: it is {span.span:g} steps or {word}."


def span_ratio(first: Span, second: Span, repeats: int) -> Measured:
    """How many times farther the first reaches than the second.

    Where one lies outside the tested lengths the ratio is a bound: of one that is a largest value the interval starts
    at 0, and one that is a least value says so in its note.

    Raises:
        NotMeasured: each lies outside so that the ratio may be anything, e.g. both above.

    Source:
        Zou & Donner (2008), Statistics in Medicine 27: intervals of two logarithms put together.
    """
    most, least = _at_most(first, second), _at_most(second, first)
    if most and least:
        raise NotMeasured("Both memory spans lie outside the tested lengths, so nothing is known of their ratio.")
    ratio = log(first.span / second.span)
    if repeats == 1:
        return alone(exp(ratio), _bound(first, second, most, least))
    low = ratio - hypot(log(first.span / first.low), log(second.high / second.span))
    high = ratio + hypot(log(first.high / first.span), log(second.span / second.low))
    return Measured(exp(ratio), 0.0 if most else exp(low), exp(high), repeats, _bound(first, second, most, least))


def _at_most(first: Span, second: Span) -> bool:
    """Whether first / second is a largest value: the true ratio lies there or below."""
    return first.censored == "below" or second.censored == "above"


def _bound(first: Span, second: Span, most: bool, least: bool) -> str:
    words = f"Spans: {_told(first)} and {_told(second)} steps."
    return f"{words} The ratio is a {'largest' if most else 'least'} value." if most or least else words


def _told(span: Span) -> str:
    sign = {"above": "> ", "below": "< ", None: ""}[span.censored]
    return f"{sign}{np.format_float_positional(span.span, 3, fractional=False, trim='-')}"
