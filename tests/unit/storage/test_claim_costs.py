"""What claims and ends cost a database: few statements, each found by an index whatever waits, planned once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event, text

from service.operations import claiming, finish_runs
from service.queue_names import Queue
from service.storage.database import Database
from service.storage.leases import Helping
from tests.scenes import Scene, outcome
from tests.servers import PostgresServer

HOT = ("runs", "stacks", "metrics", "checkpoints")
"""tables with rows for all that ever waited"""
COLUMNS = (
    "experiment_key, condition, place, queue, engine, state, rank, turn, runs, seconds, run_seconds, resume_epoch, "
    "resume_step, lost"
)


@dataclass
class Said:
    """What a database was asked, with the parameters of each."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    units: int = 0


@contextmanager
def listening(database: Database) -> Iterator[Said]:
    """Hear all statements."""
    said = Said()

    def hear(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        said.statements.append((statement, parameters[0] if many else parameters))

    def begin(connection: Any) -> None:
        said.units += 1

    event.listen(database.engine, "before_cursor_execute", hear)
    event.listen(database.engine, "begin", begin)
    yield said
    event.remove(database.engine, "before_cursor_execute", hear)
    event.remove(database.engine, "begin", begin)


@pytest.fixture
def busy(database: Database, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Thousands of stacks wait; the experiment has begun, and listeners were just told of it."""
    scene.submit(lengths=list(range(2, 102)), repeats=30)
    scene.finish(scene.claim())
    monkeypatch.setattr(scene.context.turns_to_tell, "due", lambda experiment: False)
    with database.writing() as connection:
        later = COLUMNS.replace("turn", "turn + 1e6")
        copies = f"INSERT INTO stacks ({COLUMNS}) SELECT {later} FROM stacks"  # noqa: S608 - names of columns
        for _ in range(5):
            connection.execute(text(copies))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return scene


def plan(database: Database, statement: str, parameters: Any) -> str:
    """How a database would answer; nothing is done."""
    explain = "EXPLAIN " if database.dialect == "postgresql" else "EXPLAIN QUERY PLAN "
    with database.engine.connect() as connection:
        return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(explain + statement, parameters))


def test_a_claim_and_an_end_send_few_statements(busy: Scene, database: Database) -> None:
    with listening(database) as said:
        claimed = busy.claim()
    begins = 1 if database.dialect == "sqlite" else 0  # SQLAlchemy begins there by a statement of ours
    assert (len(said.statements) - begins, said.units) == (5, 1), said.statements
    with listening(database) as said:
        busy.finish(claimed)
    assert (len(said.statements) - 2 * begins, said.units) == (9, 2), said.statements


def test_what_is_claimed_together_costs_no_more_statements_than_one(busy: Scene, database: Database) -> None:
    with listening(database) as said:
        claimed = claiming.claim_several(busy.context, "worker", [Queue.CPU], Helping(3, 1e9))
    begins = 1 if database.dialect == "sqlite" else 0
    assert (len(claimed), len(said.statements) - begins) == (3, 5)
    trained = [
        finish_runs.TrainedStack(each, {repeat: outcome() for repeat in each.runs}, 0.3, {}, "fused")
        for each in claimed
    ]
    with listening(database) as said:
        finish_runs.hand_in(busy.context, trained)
    assert len(said.statements) - 2 * begins == 9


def test_no_statement_of_a_claim_or_an_end_reads_a_whole_table(busy: Scene, database: Database) -> None:
    with listening(database) as said:
        busy.finish(busy.claim())
    for statement, parameters in said.statements:
        if statement.startswith("BEGIN"):
            continue
        answer = plan(database, statement, parameters)
        for table in HOT:
            assert f"Seq Scan on {table} " not in answer, (statement, answer)
            assert not any(f"SCAN {table}" in line and "USING" not in line for line in answer.splitlines()), answer


def test_the_next_stack_is_the_first_of_an_index(busy: Scene, database: Database) -> None:
    with listening(database) as said:
        busy.claim()
    (found,) = [each for each in said.statements if "ORDER BY" in each[0]]
    answer = plan(database, *found)
    assert "ix_stacks_queue_state_rank_turn_key" in answer
    assert "Sort" not in answer
    assert "TEMP B-TREE" not in answer


def test_postgresql_plans_the_statements_of_a_claim_and_an_end_once(busy: Scene, database: Database) -> None:
    if database.dialect != "postgresql":
        pytest.skip("SQLite's plans cost microseconds")
    database.close()  # what was sent before is forgotten with its connection
    for _ in range(30):
        busy.finish(busy.claim())
    counts = "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements WHERE generic_plans = 0"
    with database.engine.connect() as connection:
        again = [statement for statement, _, custom in connection.execute(text(counts)) if custom > 10]
    assert [statement for statement in again if not statement.startswith("UPDATE runs SET engine")] == []


def test_postgresql_compiles_nothing_to_look_at_a_few_workers(database: Database) -> None:
    if database.dialect != "postgresql":
        pytest.skip("SQLite compiles nothing")
    answer = plan(database, "SELECT * FROM workers WHERE beat_at < 0", {})
    assert "Seq Scan on workers" in answer
    with database.engine.connect() as connection:
        explained = connection.exec_driver_sql("EXPLAIN ANALYZE SELECT * FROM workers WHERE beat_at < 0").scalars()
        assert not any("JIT" in line for line in explained)


def test_connections_that_were_just_used_are_not_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.dialect != "postgresql":
        pytest.skip("SQLite's file does not go away")
    tried, ping = list[Any](), database.engine.dialect.do_ping

    def do_ping(connection: Any) -> bool:
        tried.append(connection)
        return bool(ping(connection))

    monkeypatch.setattr(database.engine.dialect, "do_ping", do_ping)
    for _ in range(5):
        with database.reading() as connection:
            connection.execute(text("SELECT 1"))
    assert tried == []
    monkeypatch.setattr("service.storage.database.RESTED_SECONDS", -1.0)
    with database.reading() as connection:
        connection.execute(text("SELECT 1"))
    assert len(tried) == 1


def test_a_connection_that_broke_while_it_rested_is_made_anew(
    database: Database, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.dialect != "postgresql":
        pytest.skip("SQLite's file does not go away")
    with database.reading() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with postgres.connect() as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    monkeypatch.setattr("service.storage.database.RESTED_SECONDS", -1.0)
    with database.reading() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != pid
