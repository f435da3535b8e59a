"""Starting a study and watching it: a bar for each experiment, the verdicts at the end."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from rich.console import Console

from memspan.claims.markdown import markdown
from service.client.connection import ENDED_BADLY, INTERRUPTED, connected, post
from service.client.following import bars, left_words
from service.client.stream import FINAL, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from service.client.tables import tables
from service.client.verdicts import claims, overview

LOOK_SECONDS = 1.0
"""between two looks at the progress"""
STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Inquiry:
    """What the command line asks of a study.

    Attributes:
        group: experiments that were started before; None starts it at ``scale``.
        wait: stay until it has ended.
        markdown: file for its tables, "-" for standard output; None shows them in the terminal.
    """

    kind: str
    scale: str
    group: str | None
    wait: bool
    markdown: str | None

    @property
    def path(self) -> str:
        """Where the study is, whatever was typed for its kind."""
        return f"/studies/{quote(self.kind, safe='')}"


def list_studies(server: str) -> int:
    """Show every study with its question and its newest verdicts; the exit status."""
    console = Console()

    def act(client: httpx.Client) -> int:
        console.print(overview(_document(client, "/studies")["items"]))
        return 0

    return connected(server, console, act)


def inquire(server: str, asked: Inquiry) -> int:
    """Start a study, or look at one that was started; the exit status: 0 only if it went well."""
    console = Console(stderr=asked.markdown == STANDARD_OUTPUT)
    return connected(server, console, lambda client: _inquired(client, server, asked, console))


def _inquired(client: httpx.Client, server: str, asked: Inquiry, console: Console) -> int:
    address = f"{asked.path}?group={quote(asked.group)}" if asked.group else _started(client, server, asked, console)
    if not asked.wait and not asked.group:
        return 0
    try:
        study = watch_study(client, address, console) if asked.wait else _document(client, address)
    except KeyboardInterrupt:
        group = address.rpartition("=")[2]
        console.print(f"No longer watching; the study goes on: memspan study {asked.kind} --group {group} --wait")
        return INTERRUPTED
    _show(client, study, asked, console)
    return 0 if study["state"] == "succeeded" or not asked.wait else ENDED_BADLY


def _started(client: httpx.Client, server: str, asked: Inquiry, console: Console) -> str:
    """Start a study; where it stands."""
    answer = post(client, f"{asked.path}/experiments", json.dumps({"scale": asked.scale}))
    ids = ", ".join(item["id"] for item in answer["items"])
    console.print(
        f"Started {answer['group']} ({ids}): {server}{answer['links']['self']}", highlight=False, soft_wrap=True
    )
    return str(answer["links"]["self"])


def watch_study(client: httpx.Client, address: str, console: Console) -> dict[str, Any]:
    """Show progress until all experiments have ended; the study's document then."""
    study = _document(client, address)
    console.print(study["question"], style="bold", markup=False, highlight=False)
    with bars(console) as shown:
        tasks = {
            part["id"]: shown.add_task(part["name"], total=part["progress"]["total"], left="")
            for part in study["parts"]
        }
        while True:
            for part in study["parts"]:
                left, done = left_words(part["state"], None), part["progress"]
                shown.update(tasks[part["id"]], completed=done["completed"], total=done["total"], left=left)
            if study["state"] in FINAL:
                return study
            time.sleep(LOOK_SECONDS)
            study = _patiently(client, address)


def _patiently(client: httpx.Client, address: str) -> dict[str, Any]:
    """The study's document, however long the service is away."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return _document(client, address)
        except httpx.TransportError:
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _document(client: httpx.Client, address: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(address).raise_for_status().json()
    return found


def _show(client: httpx.Client, study: Mapping[str, Any], asked: Inquiry, console: Console) -> None:
    """The tables of a study: in the terminal, or in Markdown."""
    results = {part["name"]: _document(client, part["links"]["results"]) for part in study["parts"]}
    if asked.markdown is None:
        for name, each in results.items():
            console.print(name, style="bold underline", markup=False, highlight=False)
            console.print(tables(each))
        console.print(claims(study))
        console.print(f"The study ({study['scale']} scale) stands at: {study['state']}.", highlight=False)
    elif asked.markdown == STANDARD_OUTPUT:
        sys.stdout.write(markdown(study, results))
    else:
        Path(asked.markdown).write_text(markdown(study, results), encoding="utf-8")
        console.print(f"Its tables are in {asked.markdown}.", highlight=False)
