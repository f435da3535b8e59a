"""Intervals over repeats: bootstrap means, Wilson rates and the memory span. Numpy only."""

from memspan.statistics.bootstrap import bootstrap_mean
from memspan.statistics.interval import Interval, wilson
from memspan.statistics.span import Span, memory_span
from memspan.statistics.summary import Summary, summarize, summarize_many

__all__ = [
    "Interval",
    "Span",
    "Summary",
    "bootstrap_mean",
    "memory_span",
    "summarize",
    "summarize_many",
    "wilson",
]
