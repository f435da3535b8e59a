"""The interval of a memory span in words; its ends are clipped to the tested lengths, so some are open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memspan.figures.document import Part


def reach(span: Part, write: Callable[[Any], str]) -> str:
    """``5.6 … 12``; beyond the tested lengths ``5.6 … >10`` or ``<2 … 3``, and ``>10`` where no end lies within.

    Args:
        span: an entry of ``spans``.
        write: puts an end, in steps, into words.
    """
    low, high = write(span.get("low")), write(span.get("high"))
    open_low = "<" + low if span.get("censored") == "below" else low
    open_high = ">" + high if span.get("censored") == "above" else high
    if span.get("censored") and span.get("low") == span.get("high"):
        return open_high if span["censored"] == "above" else open_low
    return f"{open_low} … {open_high}"
