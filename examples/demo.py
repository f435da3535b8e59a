"""The demonstration: starts the service, posts a study of latching over HTTP, and says what comes out.

``make demo`` runs it; ``DEMO=once`` ends it after the answer.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from memspan.figures.label import label
from memspan.statistics import notation
from memspan.statistics.notation import number
from service.client.following import submit, watch
from service.client.tables import tables

SPEC = Path(__file__).with_name("latch-quick.json")
FOLDER = Path("out/demo")
PORT = 8000
START_SECONDS = 60


def main() -> int:
    """Run the demonstration."""
    console = Console()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with service() as address, httpx.Client(base_url=address, timeout=30.0) as client:
        wait_until_ready(client)
        console.print(f"\nMemspan serves at [link]{address}/results[/]. Posting {SPEC.name} ...\n")
        experiment = submit(client, SPEC.read_text(encoding="utf-8"))
        state = watch(client, experiment, console)
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


@contextmanager
def service() -> Iterator[str]:
    """``memspan serve`` as a child process; its address. It ends with us."""
    port = free_port()
    environment = {**os.environ, "MEMSPAN_HOME": str(FOLDER.absolute()), "MEMSPAN_LOG_LEVEL": "warning"}
    log = (FOLDER / "service.log").open("ab")
    command = [sys.executable, "-m", "service", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.close()


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


def wait_until_ready(client: httpx.Client) -> None:
    """Return once the service can answer."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"The service did not start within {START_SECONDS} s; see {FOLDER / 'service.log'}.")


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
    return str(notation.span(span))


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
