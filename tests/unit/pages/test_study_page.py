"""The pages of studies."""

from __future__ import annotations

import pytest

from service.pages import render_studies, render_study
from service.pages.gauge import gauge
from tests.unit.pages.page import Page
from tests.unit.pages.study import CLAIMS, PLANS, STUDY, claim, unrun

PAGE = Page(render_study(STUDY, PLANS))


def test_a_study_shows_its_question_its_explanation_and_every_claim() -> None:
    for words in (STUDY["question"], STUDY["explanation"], STUDY["reference"], *(each["text"] for each in CLAIMS)):
        assert words in PAGE.text
    assert "1 supported 1 contradicted 3 inconclusive" in PAGE.text
    assert "0.70 (0.50 to 0.90) n = 30" in PAGE.text
    assert "Its interval straddles the threshold." in PAGE.text
    assert "Not measured claimed: at least 0.4" in PAGE.text


def test_a_measured_claim_is_drawn_and_told_to_who_can_not_see_it() -> None:
    drawings = PAGE.all("svg")
    assert len(drawings) == 4
    assert drawings[0]["aria-label"] == "0.70 (0.50 to 0.90) against at least 0.4"


def test_a_claim_that_was_changed_says_when_what_it_was_and_why() -> None:
    change = {"date": "2026-11-21", "field": "threshold", "before": "0.4", "reason": "It was too easy."}
    page = Page(render_study({**STUDY, "claims": [{**STUDY["claims"][0], "amended": [change]}]}, PLANS))
    assert "Amended 2026-11-21: the threshold was “0.4”. It was too easy." in page.text
    assert "Amended" not in PAGE.text


def test_a_claim_says_after_which_training_it_was_measured() -> None:
    budgets = [{"optimizer": "adam", "learning_rate": 0.001, "steps": 2500}]
    page = Page(render_study({**STUDY, "claims": [{**STUDY["claims"][0], "budgets": budgets}]}, PLANS))
    assert "share of repeats Measured after 2,500 steps of Adam at 0.001." in page.text


def test_what_a_start_would_cost_stands_beside_its_button() -> None:
    assert [button["value"] for button in PAGE.all("button")] == ["quick", "full"]
    assert "450 runs in 3 experiments, about 1 min 2 s with 2 workers" in PAGE.text
    assert "6,750 runs in 1 experiment, about 1 h 30 min with 1 worker" in PAGE.text
    (form,) = PAGE.all("form")
    assert form["data-start"] == "/studies/latch/experiments"


def test_each_experiment_leads_to_its_results_and_has_a_chart() -> None:
    assert "/results/exp-3" in [link["href"] for link in PAGE.all("a")]
    assert [div["data-figure"] for div in PAGE.all("div") if "data-figure" in div] == ["/results/exp-3/figures/score"]
    assert "88 of 90 runs, 2 failed" in PAGE.text


@pytest.mark.parametrize(
    ("answers", "figures"),
    [
        (["scalars"], ["score", "probe"]),
        (["curve", "scalars"], ["score", "probe"]),
        (["surface"], ["score", "landscape"]),
    ],
)
def test_what_probes_have_answered_is_drawn_beside_the_score(answers: list[str], figures: list[str]) -> None:
    part = {**STUDY["parts"][0], "answers": answers}
    page = Page(render_study({**STUDY, "parts": [part]}, PLANS))
    drawn = [div["data-figure"] for div in page.all("div") if "data-figure" in div]
    assert drawn == [f"/results/exp-3/figures/{name}" for name in figures]


def test_other_runs_of_the_study_are_a_click_away() -> None:
    assert "/studies/latch?group=group-1" in [link["href"] for link in PAGE.all("a")]
    older = Page(render_study({**STUDY, "group": "group-1"}, PLANS))
    assert "the newest" in older.text
    assert "the newest" not in PAGE.text


def test_a_live_study_is_looked_at_again_and_a_finished_one_is_not() -> None:
    live = Page(render_study({**STUDY, "state": "running", "eta_seconds": 95}, PLANS))
    (article,) = live.all("article")
    assert (article["data-study"], article["data-live"]) == ("/studies/latch?group=group-3", "true")
    assert "450 of 450 epochs, about 1 min 35 s left" in live.text
    assert PAGE.all("article")[0]["data-live"] == "false"


def test_a_study_that_was_never_run_offers_to_run() -> None:
    page = Page(render_study(unrun(), PLANS))
    assert "Nothing was measured yet" in page.text
    assert page.all("button")
    assert not page.all("svg")
    assert not page.all("progress")


def test_the_list_counts_verdicts_and_says_what_was_never_run() -> None:
    text = Page(render_studies([STUDY, unrun()])).text
    assert "1 supported 1 contradicted 3 inconclusive quick scale, partial, 2024-05-02 10:13 UTC" in text
    assert "5 claims, not run yet" in text
    assert "There is no study yet." in Page(render_studies([])).text


@pytest.mark.parametrize(("direction", "holds"), [("at_least", (14.0, 100.0)), ("at_most", (0.0, 14.0))])
def test_a_gauge_has_room_for_all_and_shades_where_the_claim_holds(direction: str, holds: tuple[float, float]) -> None:
    drawn = gauge(claim("c", "supported", direction=direction))
    assert drawn is not None
    assert (drawn.threshold, drawn.high, drawn.holds) == (14.0, 86.0, holds)
    assert drawn.low is not None
    assert drawn.measured is not None
    assert drawn.threshold < drawn.low < drawn.measured < drawn.high
    assert drawn.anchor == "start"


def test_a_gauge_of_far_apart_positive_values_is_logarithmic() -> None:
    drawn = gauge(claim("c", "supported", threshold=1e-4, measured=1.0, low=1e-2, high=100.0))
    assert drawn is not None
    assert drawn.low == pytest.approx((14 + 2 / 6 * 72), abs=0.01)


def test_an_interval_without_bounds_goes_to_the_ends() -> None:
    drawn = gauge(claim("c", "inconclusive", low="-Infinity", high="Infinity"))
    assert drawn is not None
    assert (drawn.low, drawn.high, drawn.open_low, drawn.open_high) == (0.0, 100.0, True, True)


def test_equal_values_stand_in_the_middle() -> None:
    drawn = gauge(claim("c", "supported", threshold=1.0, measured=1.0, low=1.0, high=1.0))
    assert drawn is not None
    assert (drawn.threshold, drawn.measured) == (50.0, 50.0)


@pytest.mark.parametrize("measured", [None, "NaN", "Infinity"])
def test_what_is_no_finite_number_has_no_gauge(measured: object) -> None:
    assert gauge(claim("c", "inconclusive", measured=measured)) is None


def asked(page: str) -> dict[str, str]:
    return {each["value"]: each["data-ask"] for each in Page(page).all("button") if "data-ask" in each}


def test_a_dear_scale_is_asked_about_with_its_cost_and_a_quick_one_is_not() -> None:
    dear = "The full scale trains 6,750 runs, about 1 h 30 min with what works now. Start it?"
    assert asked(render_study(unrun(), PLANS)) == {"full": dear}


def test_a_scale_that_is_running_is_asked_about_before_another_is_started() -> None:
    page = render_study(
        {**STUDY, "state": "running", "progress": {"completed": 45, "total": 90, "unit": "epochs"}}, PLANS
    )
    assert asked(page)["quick"] == "The quick scale is running already: 45 of 90 epochs. Start another?"
    assert "full" in asked(page)
