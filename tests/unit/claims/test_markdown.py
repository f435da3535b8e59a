"""A study's tables in Markdown."""

from __future__ import annotations

from typing import Any

from memspan.claims.markdown import by_lag, claims, conditions, markdown, probes, scores, spans
from memspan.run_study import run_study
from tests.tiny_study import TinyStudy, experiments
from tests.unit.figures import document as figures
from tests.unit.figures.document import FIRST_LAST, LATCH, metric_name

CLAIM: dict[str, Any] = {
    "id": "c",
    "text": "A | B remembers.",
    "metric": "share of repeats",
    "direction": "at_least",
    "threshold": 0.5,
    "amended": [],
    "measured": 0.123456,
    "low": 0.1,
    "high": "Infinity",
    "n": 30,
    "verdict": "inconclusive",
    "reason": "Its interval straddles the threshold.",
    "budgets": [],
}


def document(*args: Any, **fields: Any) -> dict[str, Any]:
    """Results whose conditions name the metric of their task."""
    form = figures.document(*args, **fields)
    named = [{**condition, "metric": metric_name(condition["task"])} for condition in form["conditions"]]
    return {**form, "conditions": named}


def rows(table: str) -> list[list[str]]:
    """The cells of a table, its head first."""
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def test_a_claim_stands_beside_its_number() -> None:
    _, _, row = rows(claims([CLAIM]))
    assert row == [
        "A \\| B remembers. *share of repeats*",
        "0.123 (0.100 to ∞)",
        "30",
        "≥ 0.5",
        "**inconclusive**: Its interval straddles the threshold.",
    ]


def test_a_claim_says_after_which_training_it_was_measured() -> None:
    budgets = [{"optimizer": "adam", "learning_rate": 0.001, "steps": steps} for steps in (2500, 100)]
    assert rows(claims([{**CLAIM, "budgets": budgets}]))[2][0] == (
        "A \\| B remembers. *share of repeats, after 2,500 steps of Adam at 0.001; or 100 steps of Adam at 0.001*"
    )


def test_a_claim_that_was_changed_says_when_what_it_was_and_why() -> None:
    change = {"date": "2026-11-21", "field": "threshold", "before": "0.4", "reason": "It was too easy."}
    assert rows(claims([{**CLAIM, "amended": [change]}]))[2][0] == (
        "A \\| B remembers. *share of repeats* **Amended 2026-11-21:** the threshold was “0.4”. It was too easy."
    )


def test_what_was_not_measured_is_a_dash() -> None:
    blank = {**CLAIM, "measured": None, "low": None, "high": None, "n": 0, "reason": ""}
    assert rows(claims([blank]))[2][1:] == ["–", "0", "≥ 0.5", "**inconclusive**"]


def test_conditions_name_only_what_differs() -> None:
    head, _, first, *_ = rows(conditions("corrected", document()))
    assert head[:2] == ["model", "length"]
    assert first == [
        "rnn", "2", "test accuracy", "0.60 (0.55 to 0.65)", "0.6", "80 % (63 to 90 %)", "30", "2",
        "24 converged, 6 still improving", "16",
    ]  # fmt: skip
    assert rows(conditions("both", document((LATCH, FIRST_LAST))))[0][0] == "task"
    assert "length" not in rows(conditions("rows", document(lengths=(None,))))[0]


def test_a_condition_without_a_finished_run_has_dashes() -> None:
    form = document()
    form["conditions"][0] |= {"metrics": {}, "success": {"rate": None, "low": None, "high": None, "n": 0}}
    assert rows(conditions("corrected", form))[2][3:6] == ["–", "–", "–"]


def test_spans_say_when_they_lie_beyond_the_lengths() -> None:
    assert [row[1] for row in rows(spans("corrected", document()))[2:]] == [
        "20 (15 to 20)",
        "20 (15 to 20)",
        "> 50 (45 to > 50)",
    ]


def test_long_spans_are_written_without_exponents() -> None:
    form = document()
    form["spans"][0] |= {"span": 999.9996, "low": 562.3, "high": 1000.0, "censored": None}
    assert rows(spans("corrected", form))[2][1] == "1,000 (562 to 1,000)"


def test_probes_have_a_row_for_each_number() -> None:
    table = rows(probes("corrected", document()))
    assert table[2] == ["rnn", "2", "change index 0: change", "20 (18 to 22)", "percent"]
    assert len(table) == 2 + 9, "a curve is no row"


def test_probes_of_one_kind_say_in_what_they_differ() -> None:
    form = document()
    change = next(each for each in form["probes"] if each["kind"] == "change")
    asked = [{**change, "spec": {**change["spec"], "percent": percent}} for percent in (50, 10)]
    table = rows(probes("corrected", {**form, "probes": asked}))
    assert [row[2] for row in table[2:]] == ["change index 0, percent 50: change", "change index 0, percent 10: change"]


def scored(kind: str, found: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A probe of the first condition whose curve comes to some numbers."""
    form = document()
    place = {name: form["conditions"][0][name] for name in ("task", "model", "length")}
    return {**place, "kind": kind, "spec": {"kind": kind, **spec}, "result": {"kind": "curve", "scores": found}}


def test_what_curves_and_surfaces_come_to_has_a_table_for_each_kind_of_probe() -> None:
    asked = [
        scored("state_gradient", {"half_length": 12.5, "half_length_low": 10, "half_length_high": "Infinity"}),
        scored("landscape", {"lowest": 0.25, "largest_gradient": None}, repeat=0),
        scored("landscape", {"lowest": 0.5, "largest_gradient": 1e9}, repeat=1),
    ]
    first, second = map(rows, scores("corrected", {**document(), "probes": asked}))
    assert first[0] == ["model", "length", "probe", "half length"]
    assert first[2:] == [["rnn", "2", "state gradient", "12.5 (10.0 to ∞)"]]
    assert second[0][3:] == ["lowest", "largest gradient"]
    assert [row[2:] for row in second[2:]] == [
        ["landscape repeat 0", "0.25", "–"],
        ["landscape repeat 1", "0.5", "1e+09"],
    ]


def test_probes_that_come_to_nothing_have_no_table() -> None:
    assert not list(scores("corrected", {**document(), "probes": [scored("decode", {}), {"result": None}]}))


def test_a_study_that_ran_here_prints_all_its_tables() -> None:
    spec = TinyStudy()
    findings = run_study(spec, experiments(spec))
    text = findings.markdown()
    titles = [line for line in text.splitlines() if line.startswith("**")]
    assert titles == [
        "**Claims**",
        "**short: conditions, after 4 steps of Adam at 0.001**",
        "**short: memory spans (steps), after 4 steps of Adam at 0.001**",
        "**last step: conditions, after 4 steps of Adam at 0.001**",
        "**last step: memory spans (steps), after 4 steps of Adam at 0.001**",
        "**last step: probes**",
    ]
    assert text == markdown(findings.document, {name: each.document for name, each in findings.results.items()})


def test_accuracy_by_lag_has_a_row_for_each_condition_and_bin() -> None:
    form = figures.with_lags(document(lengths=(10,)))
    head, _, *found = rows(by_lag("one", form))
    assert head == ["model", "length", "lag (steps)", "accuracy (95 % interval)", "at most", "answers"]
    assert len(found) == 9
    assert found[1][2:] == ["5 to 6", "0.70 (0.60 to 0.80)", "0.1", "300"]
    assert "accuracy by lag" in markdown({"claims": []}, {"one": form})
    assert "accuracy by lag" not in markdown({"claims": []}, {"one": document()})
