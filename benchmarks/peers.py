"""What users would pick instead for storing runs: MLflow's server, one run with 20 metrics at a time.

MLflow lives in an environment of its own (.venv-peers, made by ``make bench``): its dependencies are not ours.
"""

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.overhead import RUNS, STORED, storage_seconds
from benchmarks.report import Figure, table
from tests.waiting import until

PEERS = Path(os.environ.get("MEMSPAN_PEERS", ".venv-peers"))
COUNT = 100


def main() -> str:
    """Milliseconds a run, MLflow's server and ours, in one go."""
    if not (PEERS / "bin/mlflow").exists():
        return "MLflow is not installed (make bench installs it into .venv-peers)."
    theirs = mlflow_seconds() * 1000
    ours = storage_seconds(STORED) * 1000 / RUNS
    figures = [
        Figure("MLflow server, SQLite: create, log_batch of 20 metrics, terminate", f"{theirs:.1f} ms a run"),
        Figure("Memspan, SQLite: claim, 22 metrics, 2 checkpoints, end", f"{ours:.2f} ms a run"),
        Figure("ratio", f"{theirs / ours:.0f}x", ">= 50x"),
    ]
    return table("Storing runs", figures)


def mlflow_seconds() -> float:
    """Seconds a run over MLflow's REST interface."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(PEERS / "bin/mlflow"), "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
            "--default-artifact-root", folder, "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        ]  # fmt: skip
        environment = {**os.environ, "PATH": f"{(PEERS / 'bin').absolute()}:{os.environ['PATH']}"}
        log = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/2.0/mlflow", timeout=60) as client:
                until(lambda: _answers(client), 120, "MLflow's server to answer")
                return _each(client)
        finally:
            os.killpg(process.pid, 15)
            process.wait(30)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.post("/experiments/search", json={"max_results": 1}).status_code == 200
    except httpx.TransportError:
        return False


def _each(client: httpx.Client) -> float:
    _one(client)
    start = time.perf_counter()
    for _ in range(COUNT):
        _one(client)
    return (time.perf_counter() - start) / COUNT


def _one(client: httpx.Client) -> None:
    now = int(time.time() * 1000)
    answer = client.post("/runs/create", json={"experiment_id": "0", "start_time": now}).raise_for_status()
    run = answer.json()["run"]["info"]["run_id"]
    metrics = [{"key": f"m{i % 4}", "value": 0.5, "timestamp": now, "step": i // 4} for i in range(20)]
    client.post("/runs/log-batch", json={"run_id": run, "metrics": metrics}).raise_for_status()
    client.post("/runs/update", json={"run_id": run, "status": "FINISHED", "end_time": now}).raise_for_status()


if __name__ == "__main__":
    print(main())
