"""How long a client waits: submitting, reading results and lists, asking a stored model."""

import httpx

from benchmarks.report import Figure, quantile, table
from benchmarks.stage import database_url, megabytes, seconds, service

RUNS_1500 = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}],
    "lengths": {"log": {"low": 2, "high": 200, "count": 25}},
    "training": {"epochs": 1, "train_size": 16, "validation_size": 16, "test_size": 16},
    "repeats": 30,
}
SMALL = {**RUNS_1500, "lengths": [2], "repeats": 2}


def main() -> str:
    """Measure over both databases."""
    return "\n".join(table(f"Latency over {dialect}", _measured(dialect)) for dialect in ("sqlite", "postgresql"))


def _measured(dialect: str) -> list[Figure]:
    figures = []
    with database_url(dialect) as url:
        with service(url, "api") as (client, _):
            posts = seconds(lambda: client.post("/experiments", json=RUNS_1500).raise_for_status(), 20)
            figures.append(_figure("POST /experiments of 1 500 runs: the first of all", posts[:1], 1, ""))
            figures.append(_figure("POST /experiments of 1 500 runs, p95", posts, 0.95, "<= 150 ms"))
            first = _cancel_all(client)
        with service(url, "serve", "--workers", "2") as (client, pid):
            key = client.post("/experiments", json=RUNS_1500).raise_for_status().json()["id"]
            _finished(client, key)
            cold = seconds(lambda: client.get(f"/results/{key}").raise_for_status(), 1)
            figures.append(_figure("GET /results/{id} of it, finished: the first time", cold, 1.0, ""))
            warm = seconds(lambda: client.get(f"/results/{key}").raise_for_status(), 100)
            figures.append(_figure("GET /results/{id} of it, finished, p95", warm, 0.95, "<= 50 ms"))
            run = client.get(f"/experiments/{key}/runs?limit=1").json()["items"][0]["id"]
            checkpoint = client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
            body = {"inputs": [[1.0] + [0.0] * 199]}
            path = f"/checkpoints/{checkpoint}/predictions"
            asked = seconds(lambda: client.post(path, json=body).raise_for_status(), 200)
            figures.append(_figure("POST /checkpoints/{id}/predictions, 1-unit model, p50", asked, 0.5, "<= 5 ms"))
            client.get(f"/results/{key}/figures/score.png").raise_for_status()
            figures.append(Figure("memory of the API process, a figure drawn", f"{megabytes(pid):.0f} MB", "<= 450 MB"))
            workers = [megabytes(worker["pid"]) for worker in client.get("/workers").json()["items"]]
            figures.append(Figure("memory of a worker", f"{max(workers):.0f} MB", "<= 700 MB"))
        with service(url, "api") as (client, _):
            for _ in range(1_000 - first - 1):
                client.post("/experiments", json=SMALL).raise_for_status()
            listed = seconds(lambda: client.get("/experiments").raise_for_status(), 100)
            figures.append(_figure("GET /experiments with 1 000 stored, p95", listed, 0.95, "<= 30 ms"))
    return figures


def _figure(what: str, waits: list[float], share: float, goal: str) -> Figure:
    return Figure(what, f"{quantile(waits, share) * 1000:.1f} ms (n = {len(waits)})", goal)


def _cancel_all(client: httpx.Client) -> int:
    """Cancel what was posted for its latency alone; how many there were."""
    items = client.get("/experiments?limit=500").json()["items"]
    for item in items:
        client.post(f"/experiments/{item['id']}/cancel").raise_for_status()
    return len(items)


def _finished(client: httpx.Client, key: str) -> None:
    """Return when the experiment's event stream has ended."""
    with client.stream("GET", f"/experiments/{key}/events", timeout=600) as response:
        for _ in response.iter_lines():
            pass


if __name__ == "__main__":
    print(main())
