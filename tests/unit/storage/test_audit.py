"""The audit trail is only added to, on both databases and whoever asks."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from service.operations import audit as operations
from service.operations.caller import Caller
from service.storage import audit
from service.storage.audit import Narrow
from service.storage.database import Database
from service.storage.database_errors import DatabaseError

LAB = Caller(name="lab", address="10.0.0.7", method="POST", path="/experiments/exp-3/cancel", request_id="r-1")


def noted(database: Database, *actions: str, caller: Caller = LAB) -> None:
    for number, action in enumerate(actions):
        operations.note_alone(database, operations.entry(caller, action, f"exp-{number}", 202))


def found(database: Database, **narrow: object) -> list[str]:
    with database.reading() as connection:
        return [row.action for row in audit.page(connection, Narrow(**narrow), None, 100)]  # type: ignore[arg-type]


def test_an_entry_tells_who_did_what_when_and_from_where(database: Database) -> None:
    noted(database, "cancel_experiment")
    with database.reading() as connection:
        (row,) = audit.page(connection, Narrow(), None, 10)
    assert (row.caller, row.action, row.object, row.status) == ("lab", "cancel_experiment", "exp-0", 202)
    assert (row.method, row.path, row.address, row.request_id) == ("POST", LAB.path, "10.0.0.7", "r-1")
    assert row.at > 1_500_000_000


@pytest.mark.parametrize("change", ["UPDATE audit SET caller = 'nobody'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_or_delete_an_entry(database: Database, change: str) -> None:
    noted(database, "cancel_experiment", "delete_experiment")
    with pytest.raises(DatabaseError, match="only added to"), database.writing() as connection:
        connection.execute(text(change))
    assert found(database) == ["delete_experiment", "cancel_experiment"]


def test_postgresql_refuses_to_empty_the_table(database: Database) -> None:
    if database.dialect == "postgresql":
        noted(database, "cancel_experiment")
        with pytest.raises(DatabaseError, match="only added to"), database.writing() as connection:
            connection.execute(text("TRUNCATE audit"))
        assert found(database) == ["cancel_experiment"]


def test_the_trail_is_narrowed_and_paged(database: Database) -> None:
    noted(database, "one", "two", "three")
    noted(database, "four", caller=Caller())
    assert found(database) == ["four", "three", "two", "one"]
    assert found(database, caller="lab") == ["three", "two", "one"]
    assert found(database, object="exp-0") == ["four", "one"]
    assert found(database, action="two", caller="lab") == ["two"]
    with database.reading() as connection:
        rows = audit.page(connection, Narrow(), None, 100)
        assert [row.action for row in audit.page(connection, Narrow(), rows[1].key, 1)] == ["two"]
    assert found(database, since=rows[0].at + 1) == []
    assert len(found(database, since=rows[-1].at, until=rows[0].at + 1)) == 4
