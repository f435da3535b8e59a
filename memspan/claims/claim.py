"""Claims: a sentence, the number that it is about, and the threshold that decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from memspan.claims.amendment import Amendment
from memspan.claims.evidence import Evidence
from memspan.claims.measured import Measured

Direction = Literal["at_least", "at_most"]


@dataclass(frozen=True)
class Claim:
    """Something that a source, or we, say about models, put so that numbers can decide.

    Attributes:
        id: short and fixed, e.g. "lstm-below-rnn".
        text: the claim in one sentence.
        metric: in words, what ``measure`` returns, with its unit.
        direction, threshold: the claim holds where the measured value lies on this side of the threshold.
        measure: evidence -> the value with its interval; raises NotMeasured where the scale did not run what it needs.
        source: who says so.
        amended: every change of metric, direction or threshold since the claim was written down, the oldest first.
    """

    id: str
    text: str
    metric: str
    direction: Direction
    threshold: float
    measure: Callable[[Evidence], Measured]
    source: str = "article"
    amended: tuple[Amendment, ...] = ()
