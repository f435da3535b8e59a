"""Surfaces on the page of an experiment: a figure, their numbers in the table, and a link to every height."""

from __future__ import annotations

from typing import Any

from service.pages import render_results
from tests.unit.figures.document import LATCH, RNN, document, probe
from tests.unit.pages.test_pages import results

SURFACE = {
    "kind": "surface",
    "n": 32,
    "x_label": "w",
    "y_label": "b",
    "z_label": "loss",
    "link": "/probes/p1",
    "scores": {"lowest": 0.25, "largest_gradient": 1350.0},
}
MAP = probe("landscape", SURFACE, LATCH, RNN, 10)


def page(*probes: dict[str, Any]) -> str:
    return render_results(results({**document(), "probes": list(probes)}))


def test_a_surface_is_shown_as_a_figure_with_its_numbers_and_a_link_below() -> None:
    shown = page(MAP)
    assert 'data-figure="/results/e1/figures/landscape"' in shown
    assert 'data-figure="/results/e1/figures/probe"' not in shown
    assert '<a href="/probes/p1">surface</a>' in shown
    assert "largest gradient" in shown
    assert "1350" in shown.replace(",", "").replace("\u202f", "").replace("\u2009", "")


def test_probes_of_both_forms_have_a_figure_each() -> None:
    shown = page(MAP, *document()["probes"])
    assert 'data-figure="/results/e1/figures/landscape"' in shown
    assert 'data-figure="/results/e1/figures/probe"' in shown


def test_without_a_surface_there_is_no_map() -> None:
    assert 'data-figure="/results/e1/figures/landscape"' not in page(*document()["probes"])
