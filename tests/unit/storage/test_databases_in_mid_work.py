"""Databases of the release before stacks, in the middle of work: nothing is lost, and all goes on where it stood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from sqlalchemy import select, text

from migrations.upgrade import configuration, upgrade
from service.operations import experiments, patrol
from service.storage import conditions, stacks, tallies
from service.storage.database import Database
from service.storage.tables import experiments as experiment_rows
from service.storage.tables import metadata
from service.storage.tables import runs as run_rows
from service.storage.tables import stacks as stack_rows
from tests.scenes import Scene, context_over, spec

EXPERIMENT = """
INSERT INTO experiments (key, name, spec, state, priority, kinds, runs, created_at, started_at, cancelled_at)
VALUES (:key, 'old', :spec, :state, :priority, '', :runs, 1.0, :started, :cancelled)
"""
RUN = """
INSERT INTO runs (experiment_key, condition, repeat, seed, engine, width, stack, queue, stack_seconds, run_seconds,
    state, lost, lease, worker, lease_until, epochs_done, resume_epoch, resume_step, seconds, metrics)
VALUES (:experiment, :condition, :repeat, :repeat, 'fused', 2, :stack, 'cpu', :seconds, :share,
    :state, :lost, :lease, :worker, :until, :epochs, :resume, 0, 1.0, :metrics)
"""
PLAIN = {"state": "queued", "lost": 0, "lease": None, "worker": None, "until": None, "epochs": 0, "resume": 0}
HELD = {"state": "running", "lease": "token", "worker": "gone", "until": 1.0, "epochs": 1.0}
DONE = {"state": "succeeded", "epochs": 2, "metrics": json.dumps({"test_loss": 0.5, "test_accuracy": 1.0})}
PROBES = [{"kind": "change", "index": 0}]


@pytest.fixture
def old(database_url: str) -> Iterator[Database]:
    """A database of the revision before, without any row."""
    made = Database(database_url)
    with made.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    with made.engine.connect().execution_options(memspan_writes=True) as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0014")
        connection.commit()
    yield made
    made.close()


def store(database: Database, key: int, rows: list[dict[str, Any]], **fields: Any) -> None:
    """An experiment of lengths 2 and 3 with 4 repeats; each row changes what a queued run of it is."""
    asked = spec(lengths=[2, 3], repeats=4, probes=PROBES).model_dump(mode="json")
    values = {"key": key, "spec": json.dumps(asked), "state": "running", "priority": 0, "started": 2.0}
    with database.writing() as connection:
        connection.execute(text(EXPERIMENT), {**values, "runs": 8, "cancelled": None, **fields})
        for number, row in enumerate(rows):
            condition, repeat = divmod(number, 4)
            place = {"experiment": key, "condition": condition, "repeat": repeat, "stack": repeat // 2}
            cost = {"seconds": 2.0 + condition, "share": (2.0 + condition) / 2, "metrics": None}
            connection.execute(text(RUN), {**place, **cost, **PLAIN, **row})


def stored_stacks(database: Database, key: int) -> list[tuple[Any, ...]]:
    """(condition, place, state, runs, resume epoch) of an experiment's stacks in the order of their turns."""
    columns = ("condition", "place", "state", "runs", "resume_epoch")
    mine = select(*(stack_rows.c[name] for name in columns)).where(stack_rows.c.experiment_key == key)
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(mine.order_by(stack_rows.c.turn))]


def sound(database: Database) -> bool:
    with database.reading() as connection:
        return tallies.wrong(connection) == conditions.wrong(connection) == stacks.wrong(connection) == []


def test_every_open_run_finds_itself_in_a_stack_and_every_count_is_right(old: Database) -> None:
    resumed = {"resume": 1, "epochs": 1.0}
    store(old, 1, [DONE, DONE, HELD, HELD, {}, resumed, {"state": "failed"}, {"lost": 2}])
    store(old, 2, [{}] * 8, state="paused", priority=3)
    store(old, 3, [{"state": "cancelled"}] * 4 + [{}, {}, HELD, HELD], cancelled=5.0)
    store(old, 4, [DONE] * 8, state="succeeded")
    upgrade(old.engine)
    assert sound(old)
    assert stored_stacks(old, 1) == [
        (1, 0, "queued", 1, 0),
        (1, 0, "queued", 1, 1),
        (1, 1, "queued", 1, 0),
        (0, 1, "running", 2, 0),
    ]
    assert {row[2] for row in stored_stacks(old, 2)} == {"aside"}
    assert [row[2] for row in stored_stacks(old, 3)] == ["aside", "running"]
    assert stored_stacks(old, 4) == []
    with old.reading() as connection:
        kept = connection.execute(select(run_rows.c.experiment_key, run_rows.c.state)).all()
        counted = tallies.of_experiment(connection, 1)
        ranks = set(connection.execute(select(stack_rows.c.rank).where(stack_rows.c.experiment_key == 2)).scalars())
    assert (len(kept), ranks) == (32, {-3})
    assert (counted.queued, counted.running, counted.succeeded, counted.failed) == (3, 2, 2, 1)
    assert counted.epochs == 2 * 2 + 2 * 1.0 + 1.0


def test_what_was_in_the_middle_of_work_goes_on_to_its_end(old: Database) -> None:
    store(old, 1, [DONE, DONE, HELD, HELD, {}, {}, {}, {}])
    store(old, 2, [{}] * 8, state="paused")
    store(old, 3, [{"state": "cancelled"}] * 4 + [{}] * 4, cancelled=5.0)
    upgrade(old.engine)
    scene = Scene(context_over(old))
    patrol.walk(scene.context, "patrol")
    assert scene.state(3) == "cancelled"
    assert scene.finish_all() == 3
    assert scene.counts(1) == {"succeeded": 8}
    experiments.resume(scene.context, 2)
    assert scene.finish_all() == 4
    assert scene.counts(2) == {"succeeded": 8}
    assert sound(old)
    with old.reading() as connection:
        waiting = connection.execute(text("SELECT condition FROM probes WHERE state = 'queued'")).all()
        states = connection.execute(select(experiment_rows.c.state).order_by(experiment_rows.c.key)).scalars().all()
    assert (len(waiting), states) == (4, ["running", "running", "cancelled"])


def test_the_schema_before_stacks_can_be_had_again(old: Database) -> None:
    store(old, 1, [DONE, DONE, HELD, HELD, {}, {"lost": 1}, {}, {}])
    upgrade(old.engine)
    with old.engine.connect().execution_options(memspan_writes=True) as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.downgrade(config, "0014")
        connection.commit()
        rows = connection.execute(text("SELECT stack, state, lost FROM runs ORDER BY condition, repeat")).all()
    assert [tuple(row) for row in rows][2:6] == [(1, "queued", 0), (1, "queued", 0), (0, "queued", 1), (0, "queued", 1)]
