"""Verdicts: the side of the threshold on which the whole interval lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from memspan.claims.claim import Claim, Direction
from memspan.claims.evidence import Evidence, ExperimentEvidence, NotMeasured
from memspan.claims.measured import Measured
from memspan.claims.verdict import Judgement, Verdict, judged, unjudged
from memspan.experiment.run import parse
from memspan.models.rnn import RNN
from tests.unit.claims.findings import experiment, row

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
    assert (judgement.verdict, judgement.reason) == (Verdict.PENDING, "Not run yet.")


@pytest.mark.parametrize(("over", "verdict"), [(True, Verdict.INCONCLUSIVE), (False, Verdict.PENDING)])
def test_what_can_not_be_measured_yet_is_pending_and_inconclusive_once_all_is_over(
    over: bool, verdict: Verdict
) -> None:
    def measure(asked: Evidence) -> Measured:
        asked["short"].values("test_accuracy")
        raise AssertionError

    short = replace(experiment([row(0, 0, 1.0), row(0, 1, 1.0, state="queued")]), over=over)
    (judgement,) = judged([replace(claim(None), measure=measure)], Evidence("quick", {"short": short}))
    assert (judgement.verdict, judgement.reason) == (verdict, "1 of 2 runs of any model in 'corrected' have ended.")


def test_a_claim_names_the_budgets_of_the_experiments_that_it_asked_for_each_once() -> None:
    def measure(evidence: Evidence) -> Measured:
        for name in ("short", "long", "short"):
            assert evidence[name].spec.repeats == 10
        return Measured(0.7, 0.6, 0.8, 30)

    evidence = Evidence("quick", {name: asked(epochs) for name, epochs in (("short", 2), ("long", 9), ("other", 5))})
    (judgement,) = judged([Claim("c", "It remembers.", "share", "at_least", 0.5, measure)], evidence)
    assert [each["epochs"] for each in judgement.document()["budgets"]] == [2, 9]
    assert [each["steps"] for each in judgement.budgets] == [2 * 500, 9 * 500]


def test_a_claim_that_could_not_be_measured_still_names_what_it_looked_at() -> None:
    def measure(evidence: Evidence) -> Measured:
        return evidence["long"].span(RNN(hidden_size=1)) if evidence["short"] else Measured(0, 0, 0, 0)

    evidence = Evidence("quick", {"short": asked(2)})
    (judgement,) = judged([Claim("c", "It remembers.", "share", "at_least", 0.5, measure)], evidence)
    assert judgement.measured is None
    assert [each["epochs"] for each in judgement.budgets] == [2]


def test_a_claim_before_anything_was_run_has_no_budget() -> None:
    (judgement,) = unjudged([claim(None)], "Not run yet.")
    assert judgement.document()["budgets"] == []


def asked(epochs: int) -> ExperimentEvidence:
    spec = {"tasks": [{"kind": "latch"}], "models": [{"kind": "rnn", "hidden_size": 1}], "lengths": [2], "repeats": 10}
    return ExperimentEvidence("e", parse({**spec, "training": {"epochs": epochs, "train_size": 8000}}), [])
