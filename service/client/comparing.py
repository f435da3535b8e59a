"""Models of several experiments beside each other, in a terminal."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from rich.console import Console, Group
from rich.text import Text

from service.client.connection import connected
from service.client.tables import narrow_table

Entry = Mapping[str, Any]


def compare(server: str, experiments: Sequence[str]) -> int:
    """Show the comparison of some experiments; the exit status."""
    console = Console()

    def act(client: httpx.Client) -> int:
        asked = {"experiments": ",".join(experiments)}
        console.print(answer(client.get("/comparisons", params=asked, timeout=120).raise_for_status().json()))
        return 0

    return connected(server, console, act)


def answer(found: Entry) -> Group:
    """In what the experiments differ, who remembers longer, and how models without a span compare."""
    names = [each["id"] for each in found["experiments"]]
    table = narrow_table("field", *names, title="In what the experiments differ")
    for each in found["differences"]:
        table.add_row(each["pointer"], *(json.dumps(each["values"][name]) for name in names))
    spans = [each for each in found["comparisons"] if each["metric"] == "span"]
    told = [Text(each["sentence"]) for each in (*found["rankings"], *(spans or found["comparisons"]))]
    return Group(table, *(told or [Text("They share no task on which two models have finished runs.")]))
