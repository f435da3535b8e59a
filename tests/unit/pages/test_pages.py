"""What every page owes: nothing inline, nothing foreign, everything escaped, every table named."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from service.pages import (
    javascript_bundle,
    render_problem,
    render_results,
    render_results_list,
    render_studies,
    render_study,
)
from service.pages.environment import STATIC, static_address
from tests.unit.figures.document import FIRST_LAST, LATCH, LSTM, document, empty, with_lags
from tests.unit.figures.test_figures import widths
from tests.unit.pages.page import Page
from tests.unit.pages.study import CLAIMS, PLANS, STUDY, unrun

ORIGIN = "http://lab.example:8400"
EVIL = "<script>alert(1)</script>\"'{{ 7 * 7 }}"
SCRIPTS = {static_address(name) for name in ("vega.js", "app.js", "study.js")}
PROBLEM = {
    "type": "about:blank",
    "title": "Unprocessable",
    "status": 422,
    "detail": "Two fields are wrong.",
    "request_id": "r-1",
    "errors": [{"pointer": "#/models/0/kind", "code": "unknown", "message": "is no model", "given": "x"}],
}


def experiment(state: str = "succeeded", **more: Any) -> dict[str, Any]:
    runs = {"total": 90, "queued": 40, "running": 5, "succeeded": 43, "failed": 2, "cancelled": 0}
    progress = {"completed": 45, "total": 90, "unit": "runs"}
    times = {"created_at": "2024-05-02T10:11:12Z", "finished_at": None, "eta_seconds": 95}
    return {"id": "e1", "name": "latch", "state": state, "runs": runs, "progress": progress, **times, **more}


def results(form: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {**(document() if form is None else form), "experiment": experiment(**more)}


def summary(**more: Any) -> dict[str, Any]:
    return experiment(**{"tasks": [LATCH], "models": [LSTM], **more})


SEARCH = {"task": LATCH, "model": LSTM, "rounds": 3, "lengths": 8, "runs": 36, "most_runs": 180, "over": False}
PAGES = {
    "one task": render_results(results()),
    "two tasks": render_results(results(document((LATCH, FIRST_LAST)))),
    "lags": render_results(results(with_lags(document((LATCH, FIRST_LAST))))),
    "no length": render_results(results(document(lengths=(None,)))),
    "nothing finished": render_results(results(empty(), state="queued")),
    "running": render_results(results(state="running")),
    "searching": render_results(results({**document(), "searches": [SEARCH]}, state="running")),
    "by width": render_results(results(widths())),
    "list": render_results_list({"items": [summary()], "next_cursor": "abc"}, "/results", ORIGIN),
    "empty list": render_results_list({"items": [], "next_cursor": None}, "/results", ORIGIN),
    "problem": render_problem(PROBLEM),
    "judged": render_results(results({**document(), "claims": CLAIMS}, study=STUDY["parts"][0]["study"])),
    "studies": render_studies([STUDY, unrun()]),
    "no studies": render_studies([]),
    "study": render_study(STUDY, PLANS),
    "study running": render_study({**STUDY, "state": "running", "eta_seconds": 95}, PLANS),
    "study not run": render_study(unrun(), PLANS),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_strict_content_security_policy_has_nothing_to_forbid(name: str) -> None:
    page = Page(PAGES[name])
    assert all(script["src"] for script in page.all("script"))
    assert not page.all("style")
    assert not [key for _, attributes in page.elements for key in attributes if key == "style" or key.startswith("on")]
    addresses = [attributes.get(key) for _, attributes in page.elements for key in ("src", "href", "data-figure")]
    assert all(address.startswith(("/", "#")) for address in addresses if address)


@pytest.mark.parametrize("name", PAGES)
def test_every_static_file_that_a_page_names_exists(name: str) -> None:
    linked = [attributes.get("src") or attributes.get("href") or "" for _, attributes in Page(PAGES[name]).elements]
    addresses = {address.removeprefix("/static/") for address in linked if address.startswith("/static/")}
    named = {address.partition("?v=")[0] for address in addresses}
    assert named
    assert all((STATIC / file).is_file() for file in named - {"vega.js"})


@pytest.mark.parametrize("name", PAGES)
def test_tables_and_bars_speak_to_a_screen_reader(name: str) -> None:
    page = Page(PAGES[name])
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(head.get("scope") in ("col", "row") for head in page.all("th"))
    assert all(bar.get("aria-label") for bar in page.all("progress"))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1


def test_what_a_user_typed_is_escaped_everywhere() -> None:
    evil_model = {**LSTM, "kind": EVIL}
    form = json.loads(json.dumps(document()).replace(json.dumps(LSTM), json.dumps(evil_model)))
    form["baselines"][0]["name"] = EVIL
    form["probes"][0]["spec"]["kind"] = EVIL
    claim = {"id": EVIL, "text": EVIL, "metric": EVIL, "threshold": 1, "measured": 2, "low": 1, "high": 3, "n": 3}
    form["claims"] = [
        {**claim, "amended": [dict.fromkeys(("date", "field", "before", "reason"), EVIL)], "verdict": EVIL}
    ]
    words = dict.fromkeys(("title", "question", "explanation", "reference", "kind", "group", "scale"), EVIL)
    evil_study = {
        **STUDY,
        **words,
        "claims": form["claims"],
        "parts": [{**STUDY["parts"][0], "name": EVIL, "id": EVIL}],
    }
    pages = [
        render_studies([evil_study]),
        render_study(evil_study, PLANS),
        render_results(results(form, name=EVIL, id=EVIL)),
        render_results_list(
            {"items": [summary(name=EVIL, id=EVIL, tasks=[EVIL])], "next_cursor": EVIL}, "/results", ORIGIN
        ),
        render_problem({**PROBLEM, "title": EVIL, "detail": EVIL, "request_id": EVIL}),
    ]
    for html in pages:
        assert "<script>alert" not in html
        assert "7 * 7" in Page(html).text
        assert {script.get("src") for script in Page(html).all("script")} <= SCRIPTS


def test_a_page_shows_each_condition_span_and_probe() -> None:
    page = Page(PAGES["one task"])
    rows = len(page.all("tr"))
    conditions, spans, probes, scores, baselines, heads = 9, 3, 18, 9 * 2, 3, 4
    assert rows == conditions + spans + probes + scores + baselines + heads
    assert "0.90 (0.85 to 0.95)" in page.text
    assert "> 50" in page.text
    assert "above the longest tested" in page.text


def test_diverged_runs_are_counted_beside_the_score() -> None:
    form = document()
    form["conditions"][0]["metrics"]["test_accuracy"] |= {"mean": "NaN", "low": "NaN", "high": "NaN", "n": 0}
    form["conditions"][0]["runs"]["diverged"] = 30
    text = Page(render_results(results(form))).text
    assert "NaN" in text
    assert "30 / 30 30 0" in text


def test_a_live_experiment_follows_its_events() -> None:
    (article,) = Page(PAGES["running"]).all("article")
    assert (article["data-experiment"], article["data-live"]) == ("e1", "true")
    assert "45 of 90 runs , 2 failed , about 1 min 35 s left" in Page(PAGES["running"]).text


def test_a_finished_experiment_follows_nothing() -> None:
    (article,) = Page(PAGES["one task"]).all("article")
    assert article["data-live"] == "false"


def test_each_figure_is_drawn_from_its_own_address() -> None:
    holders = [div["data-figure"] for div in Page(PAGES["one task"]).all("div") if "data-figure" in div]
    assert holders == [
        f"/results/e1/figures/{name}"
        for name in ("score", "success", "span", "budget", "comparison", "probe", "learning")
    ]


def test_an_id_is_one_segment_of_its_links() -> None:
    assert "/results/a%2Fb%3Fc/figures/score" in render_results(results(id="a/b?c"))


def test_the_list_names_parts_and_links_to_the_next_page_with_its_filters() -> None:
    html = render_results_list(
        {"items": [summary()], "next_cursor": "a b"}, "/results?state=running&cursor=old", ORIGIN
    )
    assert "/results?state=running&cursor=a+b" in [link["href"] for link in Page(html).all("a")]
    assert "latch" in Page(html).text


def test_parts_may_come_in_the_spec_and_many_are_counted() -> None:
    item = experiment(spec={"tasks": [LATCH], "models": [{"kind": f"m{i}"} for i in range(7)]})
    assert (
        "m0, m1, m2, m3 and 3 more"
        in Page(render_results_list({"items": [item], "next_cursor": None}, "/", ORIGIN)).text
    )


def test_an_empty_list_shows_how_to_post_a_first_experiment() -> None:
    text = Page(PAGES["empty list"]).text
    spec = json.loads(text[text.index("-d '") + 4 : text.rindex("}'") + 1])
    assert {"tasks", "models", "lengths"} <= set(spec)
    assert f"curl {ORIGIN}/experiments" in text


def test_a_search_that_finds_nothing_says_so_and_not_that_nothing_is_there() -> None:
    html = render_results_list({"items": [], "next_cursor": None}, "/results?state=failed&limit=5", ORIGIN)
    assert "No experiment matches." in Page(html).text
    assert "curl" not in html


def test_probes_of_best_and_last_weights_are_told_apart() -> None:
    form = document()
    last = [{**entry, "checkpoint": "last"} for entry in form["probes"]]
    assert "weights" not in Page(render_results(results({**form, "probes": last}))).text
    best = [{**entry, "checkpoint": "best"} for entry in form["probes"]]
    text = Page(render_results(results({**form, "probes": [*last, *best]}))).text
    assert "· best weights" in text
    assert "· last weights" in text


def test_a_last_page_without_rows_leads_back() -> None:
    html = render_results_list({"items": [], "next_cursor": None}, "/results?cursor=x", ORIGIN)
    assert "Back to the newest" in html
    assert "curl" not in html


def test_a_problem_names_every_wrong_field() -> None:
    text = Page(PAGES["problem"]).text
    assert "Two fields are wrong." in text
    assert "#/models/0/kind is no model" in text


def test_a_problem_needs_no_more_than_title_and_status() -> None:
    assert "Not Found" in render_problem({"title": "Not Found", "status": 404, "detail": None})


def test_the_bundle_draws_without_compiling_code() -> None:
    script = javascript_bundle()
    assert b"window.drawVega" in script
    assert b"ast:" in script.replace(b" ", b"")
    assert javascript_bundle() is script


def test_a_document_that_lacks_optional_fields_is_shown_with_dashes() -> None:
    form = document()
    for condition in form["conditions"]:
        for field in ("parameters", "state_size", "receptive_field", "seconds_per_epoch", "engine", "success", "runs"):
            del condition[field]
    bare = {**form, "experiment": {"id": "e1", "state": "running"}, "baselines": None, "probes": None}
    text = Page(render_results(bare)).text
    assert "0.90 (0.85 to 0.95)" in text
    assert "left" not in text.split("Created")[0].split("0 of 0")[0]
    assert "Undefined" not in text


def test_a_failed_experiment_says_why() -> None:
    failed = [{"reason": "timeout", "detail": EVIL, "count": 6}, {"reason": "error", "detail": None, "count": 1}]
    html = render_results(results(document() | {"failures": failed}, state="partial"))
    assert f"6 runs : timeout — {EVIL}" in Page(html).text
    assert "1 run : error" in Page(html).text
    assert EVIL not in html


@pytest.mark.parametrize(
    ("censored", "low", "shown"), [("above", 8.0, "8 to > 50"), ("above", 50.0, "> 50"), (None, 8.0, "8 to 50")]
)
def test_a_span_beyond_the_grid_has_an_open_interval(censored: str | None, low: float, shown: str) -> None:
    form = document()
    form["spans"] = [form["spans"][0] | {"span": 50.0, "low": low, "high": 50.0, "censored": censored}]
    assert f" {shown} 10 " in Page(render_results(results(form))).text


def test_scores_that_are_not_there_yet_already_have_their_name() -> None:
    form = document()
    form["conditions"] = [{**each, "metric": "test_accuracy", "metrics": {}} for each in form["conditions"]]
    assert (
        "latch: test accuracy after 2,500 steps of Adam at 0.001 as mean"
        in Page(render_results(results(form, state="running"))).text
    )


def test_a_cancelled_experiment_that_is_not_over_says_so() -> None:
    assert "Experiment cancelling " in Page(render_results(results(state="running", cancelling=True))).text
    listed = render_results_list({"items": [summary(cancelling=True)], "next_cursor": None}, "/results", ORIGIN)
    assert " cancelling " in Page(listed).text


def test_a_curve_s_scores_have_rows_and_an_unknown_one_a_dash() -> None:
    text = Page(render_results(results())).text
    assert "auc 0.97 (0.90 to 1.00)" in text
    assert "effective context –" in text
    assert "auc low" not in text


def test_a_search_says_what_it_took_so_far_and_whether_it_goes_on() -> None:
    assert "Length search" not in PAGES["running"]
    page = PAGES["searching"]
    assert "Length search" in page
    assert "searching" in page
    assert "180" in page
    assert "over</td>" in render_results(results({**document(), "searches": [{**SEARCH, "over": True}]}))


def test_results_that_mix_kinds_of_processors_say_so() -> None:
    one, two = document(), document()
    one["conditions"][0]["processors"] = ["znver4 AVX512"]
    two["conditions"][0]["processors"] = ["haswell AVX2", "znver4 AVX512"]
    said = "numbers of 2 kinds of processors mixed: haswell AVX2; znver4 AVX512"
    assert said in render_results(results(two))
    assert "kinds of processors" not in render_results(results(one))


def test_a_span_against_a_number_is_told_by_its_words_and_by_its_table() -> None:
    page = Page(PAGES["by width"])
    (told,) = [str(each["aria-label"]) for each in page.all("div") if "figures/span" in str(each.get("data-figure"))]
    assert "by hidden size" in told
    assert "a line each for lstm, gru" in told
    assert "Hidden size" in page.text
    words = page.text
    assert words.index("lstm 4 ") < words.index("lstm 16 ") < words.index("lstm 64 ") < words.index("gru 4 ")


def test_accuracy_by_lag_has_a_chart_and_a_table_where_a_task_tells_lags() -> None:
    assert "Accuracy by lag" not in PAGES["two tasks"].replace("by_lag", "")
    assert "5 to 6" in PAGES["lags"]
    assert "figures/by_lag" in PAGES["lags"]


def test_only_figures_that_show_something_are_linked() -> None:
    named = set(re.findall(r"/figures/(\w+)\.png", PAGES["one task"]))
    assert named == {"score", "success", "span", "budget", "comparison", "probe", "learning"}
    drawn = set(re.findall(r'data-figure="[^"]*/figures/(\w+)', PAGES["one task"]))
    assert named == drawn
