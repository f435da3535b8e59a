"""The page of budgets: one question with four answers, as its experiments give them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import memspan
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.run import parse
from memspan.interfaces.json_numbers import jsonable

PAGE = Path(__file__).parents[3] / "docs/budgets.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("## One question, four answers")[2].partition("\n## ")[0]
SPECS = [json.loads(body) for body in re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL)]
ROWS = {row[0]: row[1:] for row in (re.findall(r"[^|]+", line) for line in SECTION.splitlines()) if len(row) == 6}
TABLE = {name.strip(): [cell.strip() for cell in cells] for name, cells in ROWS.items()}
CHEAP = [spec for spec in SPECS if spec["name"] in ("defaults", "faster")]


@cache
def answered(name: str) -> dict[str, Any]:
    """The results of an experiment of the page."""
    (spec,) = (each for each in SPECS if each["name"] == name)
    return dict(jsonable(memspan.run(spec).document))


def test_the_page_has_a_row_for_each_of_its_experiments() -> None:
    assert [spec["name"] for spec in SPECS] == ["defaults", "longer", "faster", "both, and fresh"]
    assert {spec["name"] for spec in SPECS} < TABLE.keys()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["name"])
def test_each_row_names_the_budget_that_its_experiment_gives(spec: dict[str, Any]) -> None:
    training = parse(spec).training
    rate = f"{training.optimizer.step_size:g}".removeprefix("0")
    assert TABLE[spec["name"]][0] == f"{training.steps_per_epoch * training.most_epochs:,} steps at {rate}"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["name"])
def test_the_plans_warn_of_the_budgets_that_are_too_small(spec: dict[str, Any]) -> None:
    codes = {each["code"] for each in plan(Placements(parse(spec))).warnings}
    assert ("few_epochs" in codes) == (spec["name"] in ("defaults", "longer"))


def held(name: str) -> None:
    """The row of an experiment, told by its results."""
    found = answered(name)
    _, *words = TABLE[name]
    spans = {each["model"]["kind"]: each for each in found["spans"]}
    assert [spans[kind]["written"] for kind in ("gru", "lstm")] == words[:2]
    assert {each["convergence"]["state"] for each in spans.values()} == {words[2]}
    (sentence,) = (each["sentence"] for each in found["comparisons"] if each["metric"] == "span")
    for said in re.split("[,;]", words[3]):
        assert said.strip().replace("p = .", "p = 0.") in sentence


@pytest.mark.long
def test_the_two_answers_that_differ_most_are_those_of_the_page() -> None:
    for spec in CHEAP:
        held(spec["name"])


@pytest.mark.long
def test_what_was_too_short_was_still_rising_with_the_budget() -> None:
    for span in answered("defaults")["spans"]:
        reached = [each["span"] for each in span["by_budget"]]
        assert reached[-1] == max(reached)
        assert span["convergence"]["state"] == "improving"


@pytest.mark.long
def test_the_dear_answers_are_those_of_the_page() -> None:
    for spec in SPECS:
        if spec not in CHEAP:
            held(spec["name"])
