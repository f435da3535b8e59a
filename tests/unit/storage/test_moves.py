"""Moves: which states lead to which, for runs, probes and experiments; nothing else is possible."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import Table, select

from service.storage import experiments
from service.storage.database import Connection
from service.storage.moving import IllegalMove, move, move_experiment
from service.storage.states import EXPERIMENT_MOVES, RUN_MOVES, ExperimentState, RunState
from service.storage.tables import experiments as experiments_table
from service.storage.tables import runs
from tests.scenes import Scene

RUNS = """
queued: running failed cancelled
running: queued succeeded failed cancelled
succeeded: queued
failed: queued
cancelled: queued
"""
EXPERIMENTS = """
queued: running paused cancelled
running: paused succeeded partial failed cancelled
paused: queued running succeeded partial failed cancelled
succeeded: queued running
partial: queued running
failed: queued running
cancelled: queued running
"""


def pairs(table: str) -> set[tuple[str, str]]:
    """Every (source, target) of a table as it is written here."""
    lines = [line.split(":") for line in table.strip().splitlines()]
    return {(source, target) for source, targets in lines for target in targets.split()}


def put(connection: Connection, table: Table, state: str) -> None:
    """Let all rows of a table stand somewhere, whatever the moves say."""
    connection.execute(table.update().values(state=state))


def test_runs_move_along_their_table_and_no_other_way(scene: Scene) -> None:
    scene.submit(repeats=1)
    moved = set()
    with scene.context.database.writing() as connection:
        for source, target in product(RunState, RunState):
            put(connection, runs, source)
            if move(connection, runs, target):
                moved.add((source, target))
            else:
                assert connection.execute(select(runs.c.state)).scalar_one() is source
    assert moved == pairs(RUNS)


def test_experiments_move_along_their_table_and_no_other_way(scene: Scene) -> None:
    key = scene.submit()
    with scene.context.database.writing() as connection:
        for source, target in product(ExperimentState, ExperimentState):
            put(connection, experiments_table, source)
            if (source, target) in pairs(EXPERIMENTS):
                move_experiment(connection, key, target)
                assert connection.execute(select(experiments_table.c.state)).scalar_one() is target
            else:
                with pytest.raises(IllegalMove, match=f"^An experiment that is {source} can't become {target}.$"):
                    move_experiment(connection, key, target)
                assert connection.execute(select(experiments_table.c.state)).scalar_one() is source


def test_every_state_has_its_line_in_the_table() -> None:
    assert set(RUN_MOVES) == set(RunState)
    assert set(EXPERIMENT_MOVES) == set(ExperimentState)


def test_an_experiment_that_is_gone_moves_nowhere(scene: Scene) -> None:
    with scene.context.database.writing() as connection, pytest.raises(IllegalMove, match="that is gone can't become"):
        move_experiment(connection, 999, ExperimentState.RUNNING)


def test_runs_are_not_asked_to_move_from_where_nothing_leads(scene: Scene) -> None:
    scene.submit()
    with (
        scene.context.database.writing() as connection,
        pytest.raises(IllegalMove, match="What is succeeded can't become running"),
    ):
        move(connection, runs, RunState.RUNNING, source=RunState.SUCCEEDED)


def test_a_finished_experiment_can_neither_rest_nor_go_on(scene: Scene) -> None:
    key = scene.submit()
    scene.finish_all()
    with scene.context.database.writing() as connection:
        found = experiments.get(connection, key)
        assert found is not None
        with pytest.raises(IllegalMove):
            experiments.start(connection, key)
        with pytest.raises(IllegalMove):
            experiments.pause(connection, key)
        with pytest.raises(IllegalMove):
            experiments.resume(connection, found)
        with pytest.raises(IllegalMove):
            experiments.end(connection, key, ExperimentState.FAILED, {})
    assert scene.state(key) == "succeeded"
