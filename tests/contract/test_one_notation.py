"""Terminal, page and Markdown show the same text for the same number."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from memspan.claims import markdown
from memspan.statistics.notation import span_with_interval, with_interval
from service.client.following import bars, left_words
from service.client.tables import tables
from service.client.verdicts import claims
from service.pages import render_results, render_study
from tests.unit.figures.document import CHRONO, document, metric_name
from tests.unit.pages.page import Page
from tests.unit.pages.study import PLANS, STUDY, claim

TRIPLES: list[tuple[Any, Any, Any]] = [
    (0.0104, 2.2e-6, 0.112),
    (0.87341, 0.85124, 0.89112),
    (1234.5, 1200.0, 1300.0),
    (3643290432751.2, 1.672e9, 6.65e13),
    (-0.0004, -0.1, 0.25),
    (1.0, 1.0, 1.0),
    (2.0, "-Infinity", "Infinity"),
    ("NaN", "NaN", "NaN"),
    ("Infinity", 3.0, "Infinity"),
    (0.25, None, None),
    (None, None, None),
]
SPANS = [(34.6, 30.1, 41.7, None), (50.0, 45.0, 50.0, "above"), (2.0, 2.0, 2.0, "below"), (999.9996, 562.3, 1e3, None)]


def terminal(shown: RenderableType) -> str:
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(shown)
    return " ".join(console.export_text().split())


def on_all_three(results: dict[str, Any]) -> tuple[str, str, str]:
    """The text of an experiment's tables in the terminal, on its page and in Markdown."""
    page = Page(render_results({**results, "experiment": {"id": "e1", "state": "succeeded", "runs": {"succeeded": 3}}}))
    printed = "\n".join(markdown.experiment("all", results))
    return terminal(tables({**results, "searches": []})), page.text, printed


def found() -> dict[str, Any]:
    """Results of two models, whose conditions name their metric."""
    form = document(lengths=(2,))
    for name in ("conditions", "spans", "probes", "learning"):
        form[name] = [each for each in form[name] if each["model"] != CHRONO]
    named = [{**each, "metric": metric_name(each["task"])} for each in form["conditions"]]
    asked = [{**each, "spec": {**each["spec"], "percent": 50}} for each in form["probes"]]
    return {**form, "conditions": named, "probes": asked}


@pytest.mark.parametrize("numbers", TRIPLES, ids=str)
def test_a_mean_a_probe_and_a_score_are_written_alike(numbers: tuple[Any, Any, Any]) -> None:
    form, named = found(), dict(zip(("mean", "low", "high"), numbers, strict=True))
    for each in form["conditions"]:
        each["metrics"]["test_accuracy"] = {"n": 3, "median": 0.5, **named}
    for probe in form["probes"]:
        value, low, high = numbers
        if probe["result"]["kind"] == "scalars":
            probe["result"] |= {"values": {"change": value}, "low": {"change": low}, "high": {"change": high}}
        else:
            probe["result"]["scores"] = {"auc": value, "auc_low": low, "auc_high": high}
    expected = str(with_interval(*numbers))
    for text in on_all_three(form):
        assert text.count(expected) >= 6, "two models with a mean, a probe's scalar and a curve's score each"


@pytest.mark.parametrize("numbers", SPANS, ids=str)
def test_a_span_is_written_alike(numbers: tuple[Any, ...]) -> None:
    form, named = found(), dict(zip(("span", "low", "high", "censored"), numbers, strict=True))
    form["spans"] = [{**each, **named} for each in form["spans"]]
    written = span_with_interval(named)
    in_cells = f"{written.value} {written.interval}"
    shown, page, printed = on_all_three(form)
    assert in_cells in shown
    assert in_cells in page
    assert f"| {written} |" in printed


@pytest.mark.parametrize("numbers", [each for each in TRIPLES if each[0] is not None and each[1] is not None], ids=str)
def test_a_claim_is_written_alike(numbers: tuple[Any, Any, Any]) -> None:
    judged = claim("c", "supported", **dict(zip(("measured", "low", "high"), numbers, strict=True)), threshold=0.0005)
    expected = str(with_interval(*numbers))
    texts = (
        terminal(claims({"claims": [judged]})),
        Page(render_study({**STUDY, "claims": [judged]}, PLANS)).text,
        markdown.claims([judged]),
    )
    for text in texts:
        assert expected in text
        assert "0.0005" in text


def test_progress_and_what_is_left_are_told_alike() -> None:
    progress = {"completed": 4, "total": 480, "unit": "epochs"}
    live = {**STUDY, "state": "running", "progress": progress, "eta_seconds": 365}
    assert "4 of 480 epochs, about 6 min 5 s left" in Page(render_study(live, PLANS)).text
    shown = bars(Console(width=200, file=io.StringIO()))
    shown.add_task("training", total=480, completed=4, left=left_words("running", 365))
    text = terminal(shown.get_renderable())
    assert "4 of 480 epochs" in text
    assert "about 6 min 5 s left" in text
