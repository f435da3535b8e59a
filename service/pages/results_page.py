"""The page of one experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memspan.figures.catalogue import FIGURES
from memspan.figures.document import entries
from memspan.figures.naming import naming
from memspan.figures.number_axis import number_axis
from memspan.figures.training_words import after
from service.pages import tables
from service.pages.environment import environment
from service.pages.headline import headline
from service.pages.study_page import claims

LIVE = frozenset({"queued", "running", "paused"})


def render_results(results: Mapping[str, Any]) -> str:
    """The dashboard of one experiment from its results document."""
    names, experiment = naming(results), results["experiment"]
    axis, shown = number_axis(entries(results, "spans")), figures_of(results)
    return (
        environment()
        .get_template("results.html")
        .render(
            experiment=experiment,
            live=experiment["state"] in LIVE,
            sentences=headline(results),
            several_tasks=len(names.tasks) > 1,
            budget=after(entries(results, "conditions")),
            matched=list(dict.fromkeys(f"{each['kind']} {each['sentence']}" for each in entries(results, "matched"))),
            conditions=tables.conditions(results, names),
            axis=axis,
            spans=tables.spans(results, names, axis),
            by_lag=tables.by_lag(results, names),
            searches=tables.searches(results, names),
            tuning=tables.tuning(results, names),
            warnings=list(dict.fromkeys(each["warning"] for each in entries(results, "tuning") if each["warning"])),
            comparisons=[each for each in entries(results, "comparisons") if each["metric"] == "span"],
            rankings=entries(results, "rankings"),
            probes=tables.probes(results, names),
            maps="landscape" in shown,
            charts="probe" in shown,
            baselines=tables.baselines(results, names),
            claims=claims(entries(results, "claims")),
            failures=entries(results, "failures"),
            learning="learning" in shown,
            figures=shown,
        )
    )


def figures_of(results: Mapping[str, Any]) -> list[str]:
    """The figures that have something to show, in the order of the catalogue."""
    maps = [is_map(probe) for probe in entries(results, "probes")]
    spans = entries(results, "spans")
    shown: dict[str, bool] = {
        "score": bool(entries(results, "conditions")),
        **dict.fromkeys(("success", "span", "budget"), bool(spans)),
        "comparison": any(each["metric"] == "span" for each in entries(results, "comparisons")),
        "tuning": bool(entries(results, "tuning")),
        "probe": not all(maps),
        "landscape": any(maps),
        "learning": bool(entries(results, "learning")),
        "by_lag": any(each.get("by_lag") for each in entries(results, "conditions")),
    }
    return [name for name in FIGURES if shown[name]]


def is_map(probe: Mapping[str, Any]) -> bool:
    """Whether a probe answered with a surface, which is a figure of its own."""
    return bool((probe.get("result") or {}).get("kind") == "surface")
