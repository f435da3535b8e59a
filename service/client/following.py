"""Posting a spec and watching it: progress bars while it runs, tables at its end."""

from collections.abc import Mapping
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from memspan.statistics.notation import duration, progress
from service.client.connection import ENDED_BADLY, INTERRUPTED, connected, post
from service.client.stream import FINAL, follow
from service.client.tables import tables


def submit_and_follow(server: str, spec: str, wait: bool) -> int:
    """Post a spec; with ``wait`` follow it to its end. The exit status: 0 only if all went well."""
    console = Console()

    def act(client: httpx.Client) -> int:
        experiment = submit(client, spec)
        console.print(f"Submitted {experiment['id']}: {server}{experiment['links']['results']}")
        return _followed(client, experiment, console) if wait else 0

    return connected(server, console, act)


def _followed(client: httpx.Client, experiment: dict[str, Any], console: Console) -> int:
    """Watch an experiment to its end and show its tables; the exit status."""
    try:
        state = watch_experiment(client, experiment, console)
    except KeyboardInterrupt:
        cancel = client.base_url.join(experiment["links"]["cancel"])
        console.print(f"No longer watching; the experiment goes on. To cancel it: curl -X POST {cancel}")
        return INTERRUPTED
    console.print(tables(client.get(experiment["links"]["results"]).raise_for_status().json()))
    console.print(f"The experiment has ended: {state}.")
    return 0 if state == "succeeded" else ENDED_BADLY


def submit(client: httpx.Client, spec: str) -> dict[str, Any]:
    """Post a spec once, even if the first answer is lost; the experiment."""
    return post(client, "/experiments", spec)


class _Epochs(ProgressColumn):
    """4 of 480 epochs."""

    def render(self, task: Task) -> Text:
        return Text(progress(task.completed, task.total, "epochs"), style="progress.download")


def bars(console: Console) -> Progress:
    """Progress bars of epochs."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        _Epochs(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    return Progress(*columns, console=console, expand=True)


def watch_experiment(client: httpx.Client, experiment: dict[str, Any], console: Console) -> str:
    """Show progress until the experiment has ended; its final state."""
    state = str(experiment["state"])
    console.print(experiment["name"], style="bold", markup=False, highlight=False)
    with bars(console) as shown:
        bar = shown.add_task("training", total=experiment["progress"]["total"], left="")
        for event in follow(client, experiment["links"]["events"]):
            state = event.data.get("state", state) if event.type in ("state", "progress") else state
            if event.type == "round":
                console.print(round_words(event.data), markup=False, highlight=False)
            if event.type == "progress":
                left, done = left_words(event.data["state"], event.data.get("eta_seconds")), event.data["progress"]
                shown.update(bar, completed=done["completed"], total=done["total"], left=left)
    return state


def round_words(body: Mapping[str, Any]) -> str:
    """Which runs follow from others: latch, lstm: round 2 asks for 3 x length 12, 3 x length 16."""
    asked = ", ".join(
        f"{repeats} x length {length}" for length, repeats in zip(body["lengths"], body["repeats"], strict=True)
    )
    setting = ", ".join(f"{name} {value:g}" for name, value in (body.get("setting") or {}).items())
    chosen = f" by the chosen {setting}" if setting else ""
    return f"{body['task']}, {body['model']}: round {body['round']} asks for {asked}{chosen}"


def left_words(state: str, eta_seconds: float | None) -> str:
    """How much is left, or how it ended."""
    if state in FINAL:
        return state
    return "" if eta_seconds is None else f"about {duration(eta_seconds)} left"
