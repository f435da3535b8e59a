"""What a database held when a release made it: rows of every table that there was, written with its own schema."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, insert, select

from memspan.engine.condition import Condition
from memspan.experiment.grid import conditions
from tests.scenes import SMALLEST, snapshot, spec

NAMES: Mapping[tuple[str, str], str] = {("runs", "stack_seconds"): "cost"} | {
    (table, "lease"): "claim" for table in ("runs", "probes", "workers")
}
"""what columns were called before they got the name that they have now"""
FIRST_KEYS = {"under way": 1, "done": 2, "paused": 3, "cancelled": 4}
"""of the experiments"""
BLOB = b"weights of a release"
DIGEST = hashlib.sha256(BLOB).hexdigest()
LAPSED = 1_700_000_000.0
"""a time long ago, in seconds since 1970"""
METRICS = {"train_loss": 0.25, "test_accuracy": 1.0, "test_loss": 0.125}
SPEC = spec(lengths=[2, 3]).model_dump(mode="json")
CONDITIONS: tuple[Condition, ...] = tuple(conditions(spec(lengths=[2, 3])))


def fill(connection: Connection) -> None:
    """Write into every table that is there."""
    for table in _tables(connection):
        for row in ROWS.get(table.name, []):
            connection.execute(insert(table).values(_fitting(table, row)))
        if connection.dialect.name == "postgresql" and "key" in table.c:
            _count_on(connection, table.name)


def _count_on(connection: Connection, table: str) -> None:
    """Keys go on behind those that were written, as they do where the database gave them."""
    sequence = func.pg_get_serial_sequence(table, "key")  # none where keys are texts
    connection.execute(select(func.setval(sequence, 100)).where(sequence.is_not(None)))


def content(connection: Connection) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """All rows by table and primary key, with the names that columns have now."""
    now = {(table, old): new for (table, new), old in NAMES.items()}
    return {
        table.name: {
            tuple(row[column.name] for column in table.primary_key): {
                now.get((table.name, name), name): value for name, value in row.items()
            }
            for row in connection.execute(select(table)).mappings()
        }
        for table in _tables(connection)
    }


def _tables(connection: Connection) -> Iterator[Table]:
    """All tables as this very database has them, those that others refer to first."""
    found = MetaData()
    found.reflect(connection)
    return (table for table in found.sorted_tables if table.name != "alembic_version")


def _fitting(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    named = {NAMES.get((table.name, name), name): value for name, value in row.items()} | dict(row)
    return {name: value for name, value in named.items() if name in table.c}


def _experiment(name: str, state: str, **more: Any) -> dict[str, Any]:
    row = {"key": FIRST_KEYS[name], "name": name, "spec": SPEC, "state": state, "priority": 0, "runs": 4}
    return {**row, "kinds": " task:latch model:rnn ", "event_sequence": 1, "created_at": LAPSED, **more}


def _runs(experiment: str, *states: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Four runs: two conditions of two repeats."""
    first = 4 * (FIRST_KEYS[experiment] - 1) + 1
    places = [(condition, repeat) for condition in range(2) for repeat in range(SMALLEST["repeats"])]
    fixed = {"experiment_key": FIRST_KEYS[experiment], "engine": "fused", "width": 3, "stack": 0, "queue": "cpu"}
    return [
        {
            **fixed,
            "key": first + index,
            "condition": condition,
            "repeat": repeat,
            "round": 1,
            "seed": CONDITIONS[condition].run_seed(repeat),
            "stack_seconds": 1.5,
            "run_seconds": 0.5,
            **state,
        }
        for index, ((condition, repeat), state) in enumerate(zip(places, states, strict=True))
    ]


QUEUED = {"state": "queued"}
CANCELLED = {"state": "cancelled", "finished_at": LAPSED + 9}
HELD = {
    "state": "running", "lease": "token", "worker": "gone", "lease_until": LAPSED, "attempt": 1, "started_at": LAPSED,
}  # fmt: skip
STORED = {**HELD, "resume_epoch": 1, "resume_step": 0, "epochs_done": 1.0}
DONE = {
    "state": "succeeded", "attempt": 1, "epochs_done": 2.0, "seconds": 0.5, "metrics": METRICS,
    "started_at": LAPSED, "finished_at": LAPSED + 9,
}  # fmt: skip
RUNS = [
    *_runs("under way", HELD, HELD, QUEUED, QUEUED),
    *_runs("done", DONE, DONE, DONE, DONE),
    *_runs("paused", STORED | QUEUED | {"lease": None, "worker": None, "lease_until": None}, QUEUED, QUEUED, QUEUED),
    *_runs("cancelled", DONE, CANCELLED, CANCELLED, CANCELLED),
]
SUCCEEDED = [row["key"] for row in RUNS if row["state"] == "succeeded"]
COUNTS = {
    "runs": {"total": 4, "queued": 0, "running": 0, "succeeded": 4, "failed": 0, "cancelled": 0},
    "progress": {"completed": 8.0, "total": 8, "unit": "epochs"},
}
PROBE = {
    "key": 1, "experiment_key": 2, "condition": 0, "checkpoint_kind": "last", "kind": "change",
    "spec": {"kind": "change", "index": 0, "percent": 50}, "fingerprint": "a probe", "required": True,
    "state": "succeeded", "attempt": 1, "n": 2, "result": {"kind": "scalars", "values": {"median_change": 1.0}},
    "created_at": LAPSED, "finished_at": LAPSED,
}  # fmt: skip
ROWS: Mapping[str, list[dict[str, Any]]] = {
    "experiments": [
        _experiment("under way", "running", started_at=LAPSED, idempotency_key="a key"),
        _experiment("done", "succeeded", started_at=LAPSED, finished_at=LAPSED + 9, counts=COUNTS),
        _experiment("paused", "paused", started_at=LAPSED),
        _experiment("cancelled", "cancelled", started_at=LAPSED, cancelled_at=LAPSED + 8, finished_at=LAPSED + 9),
    ],
    "runs": RUNS,
    "snapshots": [{"run_key": 9, "data": snapshot(1).to_bytes()}],
    "blobs": [{"sha256": DIGEST, "bytes": len(BLOB), "data": BLOB}],
    "checkpoints": [
        {"key": 2 * number + place, "run_key": key, "kind": kind, "epoch": 2, "sha256": DIGEST, "created_at": LAPSED}
        for number, key in enumerate(SUCCEEDED)
        for place, kind in enumerate(("best", "last"), 1)
    ],
    "metrics": [
        {"run_key": key, "split": split, "name": "loss", "epoch": epoch, "value": 0.5 / epoch, "kind": 0}
        for key in SUCCEEDED
        for split in ("train", "validation")
        for epoch in (1, 2)
    ],
    "probes": [PROBE],
    "events": [
        {"experiment_key": key, "sequence": 1, "at": LAPSED, "type": "state", "body": {"state": "queued"}}
        for key in FIRST_KEYS.values()
    ],
    "answers": [
        {"key": "a key", "fingerprint": "f", "status": 201, "headers": [], "body": b"{}", "created_at": LAPSED}
    ],
    "workers": [
        {
            "name": "gone", "parent": "parent", "host": "host", "pid": 1, "queues": "cpu,probe", "device": "cpu",
            "state": "busy", "lease": "token", "started_at": LAPSED, "beat_at": LAPSED,
        }
    ],
    "leaderships": [{"name": "patrol", "owner": "gone", "until": LAPSED}],
    "paces": [{"host": "host", "work": "fused", "modelled": 1.0, "measured": 2.0, "noted_at": LAPSED}],
}  # fmt: skip
