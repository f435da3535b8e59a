"""The demonstration: starts the service, posts a study of latching over HTTP, and says what comes out.

``make demo`` runs it; ``DEMO=once`` ends it after the answer.
"""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from examples.process import MemspanProcess, NotServing, started
from memspan.figures.label import label
from memspan.statistics import notation
from memspan.statistics.notation import number
from service.client.following import submit, watch_experiment
from service.client.tables import tables

SPEC = Path(__file__).with_name("latch-quick.json")
FOLDER = Path("out/demo")
PORT = 8000


def main() -> int:
    """Run the demonstration."""
    console = Console()
    quietly = {**os.environ, "MEMSPAN_LOG_LEVEL": "warning"}
    try:
        with started(MemspanProcess(FOLDER, "serve", "--port", str(free_port()), environment=quietly)) as process:
            return demonstrate(process.address(), console)
    except NotServing as told:
        raise SystemExit(f"The service did not start. {told}") from None


def demonstrate(address: str, console: Console) -> int:
    """Post the study and say what comes out; the exit status."""
    with httpx.Client(base_url=address, timeout=30.0) as client:
        console.print(f"\nMemspan serves at [link]{address}/results[/]. Posting {SPEC.name} ...\n")
        experiment = submit(client, SPEC.read_text(encoding="utf-8"))
        state = watch_experiment(client, experiment, console)
        results = client.get(experiment["links"]["results"]).raise_for_status().json()
        console.print(tables(results))
        picture = save_figure(client, experiment)
        console.print(f"\n{meaning(results)}\n", highlight=False)
        console.print(f"Figure:    {picture}", highlight=False, soft_wrap=True)
        staying = os.environ.get("DEMO") != "once"
        console.print(dashboard(experiment["links"]["results"], address if staying else None), highlight=False,
                      soft_wrap=True)  # fmt: skip
        if staying:
            stay(console)
    return 0 if state == "succeeded" else 1


def free_port() -> int:
    """The usual port, or another one if somebody has it."""
    for port in (PORT, 0):
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(listening.getsockname()[1])
    raise RuntimeError("no port is free")


def save_figure(client: httpx.Client, experiment: dict[str, Any]) -> Path:
    """Keep the score figure as a PNG file."""
    picture = FOLDER / f"{experiment['id']}-score.png"
    response = client.get(f"{experiment['links']['results']}/figures/score.png", timeout=60.0)
    picture.write_bytes(response.raise_for_status().content)
    return picture.absolute()


def meaning(results: dict[str, Any]) -> str:
    """What the numbers say, in two sentences made from them."""
    models = [span["model"] for span in results["spans"]]
    ranked = sorted(results["spans"], key=lambda span: (span["censored"] == "above", span["span"]), reverse=True)
    reach = "; ".join(f"{label(span['model'], models)} {_reach(span)}" for span in ranked)
    return f"What this means: half of the trained networks hold the bit for so many steps: {reach}. {_moved(results)}"


def _reach(span: dict[str, Any]) -> str:
    if span["censored"] == "above":
        return f"beyond the longest tested length {number(span['span'])}"
    if span["censored"] == "below":
        return f"not even the shortest tested length {number(span['span'])}"
    return str(notation.span_with_interval(span))


def _moved(results: dict[str, Any]) -> str:
    """How much the answer listens to the first step, against the last one."""
    longest = max(condition["length"] for condition in results["conditions"])
    models = [span["model"] for span in results["spans"]]
    told = []
    for model in models:
        values = {
            probe["spec"]["index"]: probe["result"]["values"]["median_change"]
            for probe in results["probes"]
            if probe["model"] == model and probe["length"] == longest and probe["result"]
        }
        if {0, -1} <= values.keys():
            told.append(f"{label(model, models)} {values[0]:+.0f} % and {values[-1]:+.0f} %")
    return (
        f"At length {longest}, turning the sign of the first step (change by -200 %) moves the probability of the "
        f"right answer by so much, and turning the last step round by so much: {'; '.join(told)}. A network that "
        f"remembers falls by 100 % with its first step, one that has forgotten it does not move."
    )


def dashboard(page: str, address: str | None) -> str:
    """Where an experiment's page is: at the address of the service that stays, or of one that is started anew."""
    if address:
        return f"Dashboard: {address}{page}"
    return f"Dashboard: MEMSPAN_HOME={FOLDER} make serve, and look at http://127.0.0.1:{PORT}{page}"


def stay(console: Console) -> None:
    """Serve until Ctrl-C."""
    console.print("\nThe service stays up; Ctrl-C ends it.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("Stopping ...")


if __name__ == "__main__":
    sys.exit(main())
