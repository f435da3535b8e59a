"""A database that is away delays work; it ends neither the work nor the worker."""

import sqlite3

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from workers.patience import CONFLICTS, LAST_TRIES, LONGEST_PAUSE_SECONDS, LeftUndone, patiently


class Unit:
    """A unit of work that fails some times before it is done."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.left, self.error, self.tries = failures, error, 0

    def __call__(self) -> str:
        self.tries += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "done"


AWAY = OperationalError("SELECT 1", None, sqlite3.OperationalError("database or disk is full"))
CONFLICT = IntegrityError("INSERT", None, sqlite3.IntegrityError("FOREIGN KEY constraint failed"))


def test_work_waits_for_a_database_that_is_away_with_growing_pauses() -> None:
    pauses: list[float] = []
    unit = Unit(12, AWAY)
    assert patiently(unit, pause=pauses.append) == "done"
    assert unit.tries == 13
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_a_process_that_is_asked_to_stop_tries_a_few_times_and_leaves() -> None:
    unit = Unit(1_000, AWAY)
    with pytest.raises(LeftUndone):
        patiently(unit, leaving=lambda: True, pause=lambda _: None)
    assert unit.tries == LAST_TRIES


def test_a_conflict_is_tried_again_but_not_for_ever() -> None:
    assert patiently(Unit(CONFLICTS, CONFLICT), pause=lambda _: None) == "done"
    with pytest.raises(IntegrityError):
        patiently(Unit(CONFLICTS + 1, CONFLICT), pause=lambda _: None)


def test_any_other_error_is_not_ours_to_repeat() -> None:
    unit = Unit(1, ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        patiently(unit)
    assert unit.tries == 1
