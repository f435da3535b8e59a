"""The pages of studies: all of them, and one with its claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from memspan.figures.catalogue import FIGURES
from memspan.figures.training_words import after
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
            figures=FIGURES,
            earlier=[group for group in study["groups"] if group["id"] != study["group"]],
            newest=study["groups"][0]["id"] if study["groups"] else None,
        )
    )


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
