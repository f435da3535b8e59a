"""Verdicts: the side of the threshold on which the whole interval lies."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.claims.claim import Claim, Direction
from memspan.claims.evidence import Evidence, NotMeasured
from memspan.claims.measured import Measured
from memspan.claims.verdict import Judgement, Verdict, judged, unjudged

NOTHING = Evidence("quick", {})


def claim(found: Measured | None, direction: Direction = "at_least", threshold: float = 0.5) -> Claim:
    def measure(evidence: Evidence) -> Measured:
        if found is None:
            raise NotMeasured("The quick scale does not run it.")
        return found

    return Claim("c", "It remembers.", "share of repeats", direction, threshold, measure)


def judge(one: Claim) -> Judgement:
    (judgement,) = judged([one], NOTHING)
    return judgement


@pytest.mark.parametrize(
    ("direction", "low", "high", "verdict"),
    [
        ("at_least", 0.6, 0.9, "supported"),
        ("at_least", 0.5, 0.9, "supported"),
        ("at_least", 0.4, 0.9, "inconclusive"),
        ("at_least", 0.1, 0.5, "inconclusive"),
        ("at_least", 0.1, 0.4, "contradicted"),
        ("at_most", 0.1, 0.4, "supported"),
        ("at_most", 0.1, 0.5, "supported"),
        ("at_most", 0.1, 0.6, "inconclusive"),
        ("at_most", 0.6, 0.9, "contradicted"),
    ],
)
def test_a_verdict_is_where_the_whole_interval_lies(
    direction: Direction, low: float, high: float, verdict: str
) -> None:
    judgement = judge(claim(Measured((low + high) / 2, low, high, 30), direction))
    assert judgement.verdict == verdict
    assert ("straddles" in judgement.reason) == (verdict == "inconclusive")


def test_what_was_not_measured_is_inconclusive_and_says_why() -> None:
    document = judge(claim(None)).document()
    assert (document["verdict"], document["reason"]) == ("inconclusive", "The quick scale does not run it.")
    assert (document["measured"], document["low"], document["high"], document["n"]) == (None, None, None, 0)


@pytest.mark.parametrize("found", [Measured(np.nan, np.nan, np.nan, 0), Measured(np.inf, 2.0, np.inf, 5)])
def test_what_is_not_finite_decides_nothing(found: Measured) -> None:
    judgement = judge(claim(found))
    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "The value is not a finite number.")


def test_what_a_reader_must_know_stays_beside_a_verdict() -> None:
    judgement = judge(claim(Measured(0.9, 0.8, 1.0, 29, "1 repeat without a finite value is left out.")))
    assert judgement.verdict is Verdict.SUPPORTED
    assert judgement.reason == "1 repeat without a finite value is left out."


def test_before_anything_was_run_every_claim_is_open() -> None:
    (judgement,) = unjudged([claim(None)], "Not run yet.")
    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "Not run yet.")
