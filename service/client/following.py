"""Posting a spec and watching it: progress bars while it runs, tables at its end."""

import json
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from service.client.stream import FINAL, follow
from service.client.tables import tables

NOT_SENT, REFUSED, ENDED_BADLY, INTERRUPTED = 3, 2, 1, 130


def submit_and_follow(server: str, spec: str, wait: bool) -> int:
    """Post a spec; with ``wait`` follow it to its end. The exit status: 0 only if all went well."""
    console = Console()
    with httpx.Client(base_url=server, timeout=30.0) as client:
        try:
            experiment = submit(client, spec)
            console.print(f"Submitted {experiment['id']}: {server}{experiment['links']['results']}")
            return _followed(client, experiment, console) if wait else 0
        except httpx.HTTPStatusError as error:
            say(console, error.response)
            return REFUSED
        except httpx.UnsupportedProtocol:
            console.print(f"[red]{server} is no address of a service:[/] it must begin with http:// or https://")
            return NOT_SENT
        except httpx.TransportError as error:
            console.print(f"[red]{server} can't be reached: {error}.[/] Is it running? Start it with: memspan serve")
            return NOT_SENT


def _followed(client: httpx.Client, experiment: dict[str, Any], console: Console) -> int:
    """Watch an experiment to its end and show its tables; the exit status."""
    try:
        state = watch(client, experiment, console)
    except KeyboardInterrupt:
        cancel = client.base_url.join(experiment["links"]["cancel"])
        console.print(f"No longer watching; the experiment goes on. To cancel it: curl -X POST {cancel}")
        return INTERRUPTED
    console.print(tables(client.get(experiment["links"]["results"]).raise_for_status().json()))
    console.print(f"The experiment has ended: {state}.")
    return 0 if state == "succeeded" else ENDED_BADLY


def submit(client: httpx.Client, spec: str) -> dict[str, Any]:
    """Post a spec once, even if the first answer is lost; the experiment."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid4().hex}
    for tries in range(3):
        try:
            response = client.post("/experiments", content=spec.encode(), headers=headers)
            break
        except httpx.ReadTimeout:
            if tries == 2:
                raise
    response.raise_for_status()
    experiment: dict[str, Any] = response.json()
    return experiment


def watch(client: httpx.Client, experiment: dict[str, Any], console: Console) -> str:
    """Show progress until the experiment has ended; its final state."""
    state = str(experiment["state"])
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        MofNCompleteColumn(),
        TextColumn("epochs"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    console.print(experiment["name"], style="bold", markup=False, highlight=False)
    with Progress(*columns, console=console, expand=True) as bars:
        bar = bars.add_task("training", total=experiment["progress"]["total"], left="")
        for event in follow(client, experiment["links"]["events"]):
            state = event.data.get("state", state) if event.type in ("state", "progress") else state
            if event.type == "progress":
                bars.update(bar, completed=event.data["progress"]["completed"], left=_left(event.data))
    return state


def _left(progress: dict[str, Any]) -> str:
    seconds = progress.get("eta_seconds")
    if progress["state"] in FINAL:
        return str(progress["state"])
    return "" if seconds is None else f"about {seconds:.0f} s left"


def say(console: Console, response: httpx.Response) -> None:
    """Show a problem document as sentences."""
    try:
        response.read()
        problem = response.json()
    except json.JSONDecodeError:
        problem = {"title": f"The service answered {response.status_code}.", "detail": response.text[:500]}
    console.print(f"[red]{problem.get('title', 'Refused')}:[/] {problem.get('detail', '')}", highlight=False)
    for fault in problem.get("errors") or ():
        console.print(f"  {fault['pointer']}: {fault['message']}", highlight=False, markup=False)
