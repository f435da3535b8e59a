"""Verdicts: what the numbers say of a claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence, Followed, NotMeasured
from memspan.claims.measured import Measured
from memspan.experiment.budget import budget


class Verdict(StrEnum):
    """What the data say."""

    SUPPORTED = "supported"
    """the whole interval lies on the claim's side of the threshold"""
    CONTRADICTED = "contradicted"
    """the whole interval lies on the other side"""
    INCONCLUSIVE = "inconclusive"
    """the interval straddles the threshold, or the claim's sizes were not run"""
    PENDING = "pending"
    """what it looks at has not ended, or was never run"""


@dataclass(frozen=True)
class Judgement:
    """A claim beside what was measured.

    Attributes:
        measured: None where nothing could be measured.
        reason: why a verdict is inconclusive or pending, or what a reader must know of the number; may be empty.
        budgets: what the runs were trained by that it looked at, each once.
    """

    claim: Claim
    measured: Measured | None
    verdict: Verdict
    reason: str = ""
    budgets: tuple[Mapping[str, Any], ...] = ()

    def document(self) -> dict[str, Any]:
        claim, found = self.claim, self.measured
        return {
            "id": claim.id,
            "text": claim.text,
            "source": claim.source,
            "metric": claim.metric,
            "direction": claim.direction,
            "threshold": claim.threshold,
            "amended": [each.document() for each in claim.amended],
            "measured": found.value if found else None,
            "low": found.low if found else None,
            "high": found.high if found else None,
            "n": found.n if found else 0,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "budgets": [dict(each) for each in self.budgets],
        }


def judged(claims: Iterable[Claim], evidence: Evidence) -> tuple[Judgement, ...]:
    """Every claim with what the evidence says of it."""
    return tuple(_judged(claim, evidence) for claim in claims)


def unjudged(claims: Iterable[Claim], reason: str) -> tuple[Judgement, ...]:
    """Every claim before anything was measured."""
    return tuple(Judgement(claim, None, Verdict.PENDING, reason) for claim in claims)


def _judged(claim: Claim, evidence: Evidence) -> Judgement:
    """With the budgets of the experiments that the claim asked for."""
    followed = Followed(evidence.scale, evidence.experiments)
    found = _verdict(claim, followed)
    return replace(found, budgets=_budgets(followed.asked.values()))


def _budgets(asked: Iterable[ExperimentEvidence]) -> tuple[Mapping[str, Any], ...]:
    """Each once."""
    found: list[Mapping[str, Any]] = []
    for each in asked:
        own = budget(each.spec.training)
        found += [] if own in found else [own]
    return tuple(found)


def _verdict(claim: Claim, evidence: Followed) -> Judgement:
    try:
        found = claim.measure(evidence)
    except NotMeasured as missing:
        over = all(each.over for each in evidence.asked.values())
        return Judgement(claim, None, Verdict.INCONCLUSIVE if over else Verdict.PENDING, str(missing))
    if not np.isfinite([found.value, found.low, found.high]).all():
        return Judgement(claim, found, Verdict.INCONCLUSIVE, found.note or "The value is not a finite number.")
    verdict = decided(claim, found)
    straddles = "Its interval straddles the threshold."
    reason = " ".join(part for part in (found.note, straddles if verdict is Verdict.INCONCLUSIVE else "") if part)
    return Judgement(claim, found, verdict, reason)


def decided(claim: Claim, found: Measured) -> Verdict:
    """On which side of its threshold the interval lies; one that touches the threshold is on the claim's side."""
    inside, outside = (
        (found.low >= claim.threshold, found.high < claim.threshold)
        if claim.direction == "at_least"
        else (found.high <= claim.threshold, found.low > claim.threshold)
    )
    if inside:
        return Verdict.SUPPORTED
    return Verdict.CONTRADICTED if outside else Verdict.INCONCLUSIVE
