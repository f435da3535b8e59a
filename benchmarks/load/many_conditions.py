"""Results of experiments with very many conditions: a thousand lengths of five models on one and on four tasks."""

import math
import random
from collections.abc import Iterator, Sequence

import httpx
from sqlalchemy import bindparam, insert, select, update

from benchmarks.load.large import watched
from benchmarks.report import Figure, table
from benchmarks.stage import database_url, megabytes, processor_seconds, seconds, service
from service.operations.exports import METRICS
from service.storage import tables
from service.storage.database import Database

LENGTHS, MODELS, EPOCHS, REPEATS = 1_000, ("rnn", "lstm", "gru", "min_gru", "min_lstm"), 5, 3
WRITTEN_AT_ONCE = 5_000
VALIDATED = ("accuracy", "loss")


def spec(tasks: int) -> dict[str, object]:
    """As many conditions as asked for: 5 000 of each task."""
    return {
        "tasks": [{"kind": "latch", "noise": round(0.1 + 0.05 * task, 2)} for task in range(tasks)],
        "models": [{"kind": kind, "hidden_size": 2} for kind in MODELS],
        "lengths": list(range(2, 2 + LENGTHS)),
        "training": {"epochs": EPOCHS, "train_size": 64, "validation_size": 64, "test_size": 64},
        "repeats": REPEATS,
    }


def main() -> str:
    return "\n".join(_measured(tasks, most) for tasks, most in ((1, 5), (4, 20)))


def _measured(tasks: int, most_seconds: int) -> str:
    with database_url("sqlite") as url, service(url, "api") as (client, pid):
        key = client.post("/experiments", json=spec(tasks)).raise_for_status().json()["id"]
        trained(url, int(key.removeprefix("exp-")))
        figures = [
            _asked(client, pid, "results as JSON, cold", f"/results/{key}", "application/json", most_seconds),
            _asked(client, pid, "again", f"/results/{key}", "application/json", most_seconds),
            _asked(client, pid, "the page", f"/results/{key}", "text/html", most_seconds),
        ]
    return table(f"Results of {tasks * LENGTHS * len(MODELS):,} conditions, {REPEATS} repeats each", figures)


def _asked(client: httpx.Client, pid: int, what: str, path: str, kind: str, most_seconds: int) -> Figure:
    answers: list[httpx.Response] = []
    before, spent = megabytes(pid), processor_seconds(pid)
    with watched(str(client.base_url), pid) as (_, memory):
        (took,) = seconds(lambda: answers.append(client.get(path, headers={"Accept": kind}, timeout=600)), 1)
    size = len(answers[0].raise_for_status().content) / 1e6
    busy = processor_seconds(pid) - spent
    words = f"{took:.2f} s ({busy:.2f} s of processor), {size:.1f} MB; memory + {max(memory) - before:.0f} MB"
    return Figure(what, words, f"<= {most_seconds} s; memory + 150 MB")


def trained(url: str, experiment: int) -> None:
    """Write into the rows of runs that they have succeeded, the more often the shorter, with metrics of each epoch."""
    database, draw = Database(url), random.Random(7)
    statement = update(tables.runs).where(tables.runs.c.key == bindparam("run"))
    with database.reading() as connection:
        own = tables.runs.c.experiment_key == experiment
        found = connection.execute(select(tables.runs.c.key, tables.runs.c.condition).where(own)).all()
    for start in range(0, len(found), WRITTEN_AT_ONCE):
        some = found[start : start + WRITTEN_AT_ONCE]
        fates = [(key, draw.random() < _chance(condition)) for key, condition in some]
        with database.writing() as connection:
            connection.execute(statement, [_ended(key, solved, draw) for key, solved in fates])
            connection.execute(insert(tables.metrics), [*_validated(fates, draw)])
    database.close()


def _chance(condition: int) -> float:
    """That a run solves its task: one half where the span of its model lies."""
    model, length = condition // LENGTHS % len(MODELS), 2 + condition % LENGTHS
    return 1 / (1 + (length / (LENGTHS * (0.1 + 0.2 * model))) ** 2)


def _score(solved: bool, draw: random.Random) -> float:
    return 1.0 if solved else draw.uniform(0.5, 0.98)


def _ended(key: int, solved: bool, draw: random.Random) -> dict[str, object]:
    metrics = {name: _score(solved, draw) if name.endswith("accuracy") else draw.random() for name in METRICS}
    return {"run": key, "state": "succeeded", "seconds": draw.random(), "metrics": metrics}


def _validated(fates: Sequence[tuple[int, bool]], draw: random.Random) -> Iterator[dict[str, object]]:
    for key, solved in fates:
        first = draw.randint(1, EPOCHS) if solved else math.inf
        for epoch in range(1, EPOCHS + 1):
            values = {"accuracy": _score(epoch >= first, draw), "loss": draw.random()}
            for name in VALIDATED:
                own = {"run_key": key, "split": "validation", "name": name, "epoch": epoch}
                yield {**own, "value": values[name], "kind": 0}


if __name__ == "__main__":
    print(main())
