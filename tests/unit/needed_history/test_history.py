"""``memspan.history``: the answer as a sentence, a page, a document and a figure; and what real series need."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import memspan
from memspan.figures.render import paper, render
from memspan.instruments.processes import AR2, MA1, RANDOM_WALK, WHITE_NOISE, Process, narma10


def drawn(process: Process, n: int = 1_000) -> np.ndarray:
    return process.draw(n, np.random.default_rng(1))


def of_statsmodels(name: str) -> pd.DataFrame:
    from importlib import import_module

    found: pd.DataFrame = import_module(f"statsmodels.datasets.{name}").load_pandas().data
    return found


def test_an_answer_prints_its_sentence_and_has_its_numbers() -> None:
    answer = memspan.history(pd.DataFrame({"x": drawn(AR2)}), target="x")
    assert str(answer).startswith("x needs 2 steps (2 to 2)")
    assert (answer.state, answer.steps, answer.low, answer.high) == ("found", 2, 2, 2)


def test_yearly_sunspots_need_two_years_as_yule_found_and_nine_beyond_the_last_one() -> None:
    """Yule (1927) foretold them from two years; by AIC autoregressions of nine are chosen."""
    answer = memspan.history(of_statsmodels("sunspots"), target="SUNACTIVITY")
    document = answer.document()
    assert document["step"] == "year"
    assert (document["reference"], answer.steps, answer.low) == ("constant", 2, 2)
    beyond = document["references"]["persistence"]
    assert beyond["found"]
    assert beyond["low"] <= 9 <= beyond["high"]
    assert "Beyond what the last value tells: " in document["beside"]


def test_weekly_carbon_dioxide_needs_its_year() -> None:
    answer = memspan.history(of_statsmodels("co2"), target="co2", missing="interpolate")
    document = answer.document()
    assert document["reference"] == "persistence"
    assert 52 <= answer.low <= answer.steps <= answer.high <= 60
    assert document["sentence"].startswith(f"co2 needs {answer.steps} weeks ({answer.low} to {answer.high})")
    assert document["references"]["constant"]["steps"] == 1


def test_contexts_of_a_year_are_too_short_to_be_believed_about_carbon_dioxide() -> None:
    assert memspan.history(of_statsmodels("co2"), target="co2", missing="interpolate", longest=60).state == "beyond"


def test_a_document_is_plain_json() -> None:
    for process in (AR2, MA1, WHITE_NOISE, RANDOM_WALK):
        document = memspan.history(drawn(process)).document()
        assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_a_page_holds_the_sentence_the_tables_and_the_recipe() -> None:
    u, y = narma10(1_000, np.random.default_rng(2))
    page = memspan.history({"y": y, "u": u}, target="y", inputs=["y", "u"]).markdown()
    assert page.startswith("**y needs 10 steps")
    assert "| 10 <- | " in page
    assert "| u | 10 | 10 to 10 |" in page
    assert "Feed the last 10 rows of y, u to ridge; foretell y 1 step ahead." in page
    assert "not the order of the process" in page


def test_the_page_of_white_noise_advises_the_mean() -> None:
    page = memspan.history(drawn(WHITE_NOISE)).markdown()
    assert "Answer the training mean of value; its history is of no use here." in page


def layers(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [layer for panel in document["concat"] for layer in panel["layer"]]


def values(part: Any) -> list[dict[str, Any]]:
    """All rows of inline data, which a figure keeps with its layers or shares between them."""
    if isinstance(part, list):
        return [row for each in part for row in values(each)]
    if not isinstance(part, dict):
        return []
    return [*part.get("values", ()), *(row for name, each in part.items() if name != "values" for row in values(each))]


@pytest.mark.parametrize("process", [AR2, WHITE_NOISE, RANDOM_WALK], ids=lambda process: process.name)
def test_the_figure_has_every_context_with_its_band_and_can_be_drawn(process: Process) -> None:
    answer = memspan.history(drawn(process))
    from memspan.figures.history import history

    chart = history(answer.document())
    found = layers(paper(chart))
    rows = [row for row in values(paper(chart)) if "mase" in row]
    assert sorted({row["context"] for row in rows}) == list(range(25))
    assert all(row["low"] <= row["mean"] <= row["high"] for row in rows)
    assert any(layer["mark"]["type"] == "area" for layer in found)
    assert any(layer["mark"]["type"] == "rect" for layer in found) == (process is not WHITE_NOISE)
    assert render(chart, "svg").startswith(b"<svg")
    assert answer.figure().to_dict()["config"]


def test_an_empty_document_draws_a_figure_that_says_why() -> None:
    from memspan.figures.history import history

    assert "No series has been asked" in json.dumps(history({}).to_dict())
