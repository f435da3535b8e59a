"""Paces: what work took on a machine, the older the less."""

from __future__ import annotations

import pytest

from service.storage import paces
from service.storage.database import Database


def test_what_was_measured_adds_up_by_machine_and_kind_of_work(database: Database) -> None:
    with database.writing() as connection:
        paces.note(connection, "left", {"fused": (1.0, 2.0), "torch": (3.0, 3.0)})
        paces.note(connection, "left", {"fused": (1.0, 2.0)})
        paces.note(connection, "right", {"fused": (1.0, 1.0)})
        found = {
            (each.host, each.work): each.measured / each.modelled for each in paces.known(connection, ["left", "right"])
        }
    assert found == {
        ("left", "fused"): pytest.approx(2.0), ("left", "torch"): 1.0, ("right", "fused"): 1.0
    }  # fmt: skip


def test_what_is_old_counts_less(database: Database) -> None:
    """A machine that has become twice as slow is told so after as much work as is remembered."""
    with database.writing() as connection:
        paces.note(connection, "here", {"torch": (10_000.0, 10_000.0)})
        paces.note(connection, "here", {"torch": (2_400.0, 4_800.0)})
        (found,) = paces.known(connection, ["here"])
    assert found.measured / found.modelled == pytest.approx(2.0, rel=0.25)


def test_machines_that_nobody_has_heard_of_for_long_are_forgotten(database: Database) -> None:
    with database.writing() as connection:
        paces.note(connection, "here", {"probe": (1.0, 1.0)})
        paces.forget(connection, 3600)
        assert len(paces.known(connection, ["here"])) == 1
        paces.forget(connection, -1)
        assert paces.known(connection, ["here"]) == []
