"""Claims and their verdicts as tables for a terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from memspan.figures.training_words import after
from memspan.statistics.notation import number, with_interval
from service.client.tables import narrow_table

Entry = Mapping[str, Any]
COLOURS = {"supported": "green", "contradicted": "red", "inconclusive": "yellow", "pending": "cyan"}
BOUNDS = {"at_least": "≥", "at_most": "≤"}


def claims(study: Entry) -> Table:
    """One row a claim: what was measured beside the threshold, the verdict and its reason."""
    table = narrow_table(title="Claims, with 95 % intervals over repeats")
    table.add_column("claim")
    table.add_column("measured")
    table.add_column("verdict")
    for claim in study["claims"]:
        table.add_row(_claimed(claim), _measured(claim), _verdict(claim))
    return table


def _trained(claim: Entry) -> list[Text]:
    """After which training it was measured; nothing where that is not known."""
    words = after({"budget": each} for each in claim.get("budgets", ()))
    return [Text(words, style="dim")] if words else []


def _claimed(claim: Entry) -> RenderableType:
    """The claim in its own words; under it after which training, and what was changed since it was written down."""
    changes = [Text(f"amended {each['date']}: {each['field']}", style="dim") for each in claim["amended"]]
    return Group(Text(claim["text"]), *_trained(claim), *changes)


def _measured(claim: Entry) -> str:
    """The value with its interval, and what was claimed of it."""
    claimed = f"claimed {BOUNDS[claim['direction']]} {number(claim['threshold'])}"
    if claim["measured"] is None:
        return f"–\n{claimed}"
    value = with_interval(claim["measured"], claim["low"], claim["high"])
    return f"{value}\n{claimed}, n = {number(claim['n'])}"


def _verdict(claim: Entry) -> RenderableType:
    """The verdict, and its reason under it."""
    verdict = Text(claim["verdict"], style=COLOURS.get(claim["verdict"], ""))
    return Group(verdict, Text(claim["reason"], style="dim")) if claim["reason"] else verdict


def overview(studies: Sequence[Entry]) -> Table:
    """One row a study: its question, and how its claims stood when it was last run."""
    table = narrow_table("study", title="Studies")
    table.add_column("question")
    table.add_column("newest verdicts")
    for study in studies:
        table.add_row(study["kind"], Text(study["question"]), _newest(study))
    return table


def _newest(study: Entry) -> str:
    if study["group"] is None:
        return "not run yet"
    counts = Counter(claim["verdict"] for claim in study["claims"])
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in COLOURS if counts[verdict])
    return f"{told} ({study['scale']}, {study['state']})"
