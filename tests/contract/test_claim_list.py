"""Claims stand as they were written down: the stored list (``tests/contract/claims.json``) tells what each one was.

A claim whose metric, direction or threshold must change gets an ``Amendment`` in its study's file, with the day, the
old value and the reason; then ``python -m tests.contract.claim_list`` renews the list, and refuses without the
amendment. New claims and new words are taken in by the same command; ``--removed KIND/ID=WHY`` marks one that is gone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from memspan.claims.amendment import Amendment
from memspan.claims.claim import Claim
from memspan.claims.measured import exactly
from memspan.claims.verdict import unjudged
from tests.contract.claim_list import RENEW, entry, flaws, removed, renewed, stale, standing, stored

CLAIM = Claim("c", "A remembers.", "share of repeats", "at_least", 0.5, lambda evidence: exactly(1.0))
STORED = {"latch/c": entry(CLAIM, "2026-11-21")}
WHY = "Five in ten were too few."
TOLD = Amendment("2026-11-21", "threshold", "0.5", WHY)
CHANGED = replace(CLAIM, threshold=0.4)


def test_no_claim_was_changed_or_removed_without_a_word() -> None:
    assert list(flaws(stored(), standing())) == []


def test_the_list_holds_every_claim_as_it_stands() -> None:
    assert list(stale(stored(), standing())) == [], f"if it is meant: {RENEW}"


@pytest.mark.parametrize(
    "changed",
    [{"metric": "share of seeds"}, {"direction": "at_most"}, {"threshold": 0.4}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_change_without_an_amendment_is_noticed_and_not_stored(changed: dict[str, Any]) -> None:
    now = {"latch/c": replace(CLAIM, **changed)}
    (flaw,) = flaws(STORED, now)
    assert f"its {next(iter(changed))} was" in flaw
    with pytest.raises(ValueError, match="no amendment since 2026-11-21 says so"):
        renewed(STORED, now, "2026-11-22")


def test_a_change_that_is_told_is_stored_with_its_day() -> None:
    now = {"latch/c": replace(CHANGED, amended=(TOLD,))}
    assert list(flaws(STORED, now)) == []
    assert list(stale(STORED, now)) == ["latch/c: the list holds it in other words or without its newest amendment."]
    found = renewed(STORED, now, "2026-11-22")
    assert found["latch/c"] == {
        **STORED["latch/c"],
        "threshold": 0.4,
        "amended": [TOLD.document()],
        "since": "2026-11-22",
    }
    assert renewed(found, now, "2026-11-23") == found


@pytest.mark.parametrize(
    "told",
    [replace(TOLD, field="metric"), replace(TOLD, before="0.6"), replace(TOLD, date="2026-11-20")],
    ids=["another field", "another value", "an earlier day"],
)
def test_an_amendment_must_name_the_field_and_its_stored_value_and_be_no_older(told: Amendment) -> None:
    assert len(list(flaws(STORED, {"latch/c": replace(CHANGED, amended=(told,))}))) == 1


def test_an_amendment_that_is_stored_tells_of_no_second_change() -> None:
    once = renewed(STORED, {"latch/c": replace(CHANGED, amended=(TOLD,))}, "2026-11-21")
    both = (TOLD, replace(TOLD, before="0.4"))
    assert len(list(flaws(once, {"latch/c": replace(CLAIM, amended=(TOLD,))}))) == 1
    twice = renewed(once, {"latch/c": replace(CLAIM, amended=both)}, "2026-11-21")
    assert len(list(flaws(twice, {"latch/c": replace(CHANGED, amended=both)}))) == 1


def test_an_amendment_may_not_be_taken_back() -> None:
    once = renewed(STORED, {"latch/c": replace(CHANGED, amended=(TOLD,))}, "2026-11-21")
    assert list(flaws(once, {"latch/c": CHANGED})) == ["latch/c: a stored amendment was changed or is gone."]


def test_a_removed_claim_stays_in_the_list_with_its_reason() -> None:
    with pytest.raises(ValueError, match="makes this claim no longer"):
        renewed(STORED, {}, "2026-11-22")
    marked = removed(STORED, {"latch/c": WHY}, "2026-11-22")
    assert renewed(marked, {}, "2026-11-22")["latch/c"]["removed"] == f"2026-11-22: {WHY}"


def test_a_new_claim_is_noticed_and_taken_in() -> None:
    now = {"latch/c": CLAIM, "latch/d": replace(CLAIM, id="d")}
    assert list(stale(STORED, now)) == ["latch/d: a new claim, which is not in the list."]
    assert renewed(STORED, now, "2026-11-22")["latch/d"]["since"] == "2026-11-22"


def test_a_document_shows_what_was_amended() -> None:
    (judgement,) = unjudged([replace(CHANGED, amended=(TOLD,))], "Not run yet.")
    told = {"date": "2026-11-21", "field": "threshold", "before": "0.5", "reason": WHY}
    assert judgement.document()["amended"] == [told]
