"""The pages of studies: all of them, and one with its claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from memspan.figures.catalogue import FIGURES
from memspan.figures.training_words import after
from memspan.statistics.notation import duration, number
from service.pages.environment import environment
from service.pages.gauge import gauge

Part = Mapping[str, Any]
LIVE = frozenset({"queued", "running", "paused"})
VERDICTS = ("supported", "contradicted", "inconclusive", "pending")
BOUNDS = {"at_least": "at least", "at_most": "at most"}


def render_studies(items: Sequence[Part]) -> str:
    """The page of all studies, from the items of their list."""
    rows = [{**item, "tally": tally(item["claims"])} for item in items]
    return environment().get_template("studies.html").render(items=rows)


def render_study(study: Part, plans: Mapping[str, Part]) -> str:
    """The page of one study.

    Args:
        study: its document.
        plans: of each scale.
    """
    return (
        environment()
        .get_template("study.html")
        .render(
            study=study,
            live=study["state"] in LIVE,
            claims=claims(study["claims"]),
            tally=tally(study["claims"]),
            plans=plans,
            questions={scale: question(study, scale, plan) for scale, plan in plans.items()},
            figures=FIGURES,
            earlier=[group for group in study["groups"] if group["id"] != study["group"]],
            newest=study["groups"][0]["id"] if study["groups"] else None,
        )
    )


def question(study: Part, scale: str, plan: Part) -> str | None:
    """What is asked before a scale is started: whether it may be dear, or is running already; None for a quick one."""
    if study["state"] in LIVE and study["scale"] == scale:
        done, total = (number(study["progress"][name]) for name in ("completed", "total"))
        return f"The {scale} scale is running already: {done} of {total} {study['progress']['unit']}. Start another?"
    if scale == "quick":
        return None
    cost = f"{number(plan['runs'])} runs, about {duration(plan['estimated_seconds'])}"
    return f"The {scale} scale trains {cost} with what works now. Start it?"


def claims(judged: Iterable[Part]) -> list[dict[str, Any]]:
    """Claims as cards show them."""
    return [
        {
            **claim,
            "gauge": gauge(claim),
            "bound": BOUNDS.get(claim.get("direction", ""), ""),
            "trained": after({"budget": each} for each in claim.get("budgets", ())),
        }
        for claim in judged
    ]


def tally(judged: Iterable[Part]) -> list[tuple[str, int]]:
    """How many claims have each verdict, those that some have."""
    counts = Counter(claim["verdict"] for claim in judged)
    return [(verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict]]
