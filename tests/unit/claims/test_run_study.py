"""A whole study in this process."""

from __future__ import annotations

import pytest

import memspan
from memspan.registry import UnknownKind
from memspan.run_study import Findings, run_study
from tests.tiny_study import VERDICTS, TinyStudy, experiments, verdicts


@pytest.fixture(scope="module")
def findings() -> Findings:
    spec = TinyStudy()
    return run_study(spec, experiments(spec))


def test_every_claim_is_judged_by_what_was_run(findings: Findings) -> None:
    assert verdicts(findings.claims) == VERDICTS
    reasons = {row["id"]: row["reason"] for row in findings.claims}
    assert reasons["long"] == "The experiment 'long' is not part of the quick scale, or was deleted."


def test_claims_are_a_table_and_results_are_those_of_run(findings: Findings) -> None:
    assert findings.claims.columns[:4] == ("id", "text", "metric", "measured")
    assert set(findings.results) == {"short", "last step"}
    alone = memspan.run(experiments(TinyStudy())["short"])
    assert [row.metrics for row in findings.results["short"].rows] == [row.metrics for row in alone.rows]
    assert findings.results["short"].epochs == alone.epochs


def test_every_epoch_of_every_run_is_kept(findings: Findings) -> None:
    found = findings.results["short"]
    assert set(found.epochs) == {(place, repeat) for place in range(4) for repeat in range(3)}
    for row in found.rows:
        lines = found.epochs[row.condition, row.repeat]
        assert set(lines) == {f"{split}_{name}" for split in ("train", "validation") for name in ("loss", "accuracy")}
        assert all(len(line) == 2 for line in lines.values())
        assert lines["validation_loss"][-1] == row.metrics["validation_loss"]


def test_progress_goes_over_all_experiments_to_the_end() -> None:
    told: list[tuple[float, float]] = []
    spec = TinyStudy()
    run_study(spec, experiments(spec), lambda done, total: told.append((done, total)))
    assert told[-1] == (30.0, 30.0)
    assert {total for _, total in told} == {30.0}
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_study_shows_itself_in_a_notebook(findings: Findings) -> None:
    assert findings.spec.question in repr(findings)
    assert "supported" in findings._repr_html_()


def test_a_study_that_is_none_is_named() -> None:
    with pytest.raises(UnknownKind, match="no study of kind 'nope'"):
        memspan.study("nope")
