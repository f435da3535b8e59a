"""Keys: made, listed and revoked, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from service.errors import Conflict, NotFound
from service.operations import keys as operations
from service.operations.caller import ANYBODY
from service.operations.key_request import KeyRequest
from service.operations.key_secret import digest
from service.operations.keys import MadeKey
from service.storage import keys
from service.storage.database import Database
from service.storage.keys import USE_SECONDS, Quota
from service.storage.tables import metadata


def made(database: Database, name: str = "lab", scope: str = "run", **fields: Any) -> MadeKey:
    asked = KeyRequest.model_validate({"name": name, "scope": scope, **fields})
    return operations.create(database, asked, ANYBODY, over_http=False)


def test_a_key_is_stored_without_its_secret(database: Database) -> None:
    key = made(database, expires="90d", quota={"queued_runs": 7, "stored_bytes": 2**40})
    with database.reading() as connection:
        stored = str(connection.execute(select(metadata.tables["keys"])).one())
    assert key.secret not in stored
    assert key.secret[10:] not in stored
    row = key.view.row
    assert row.sha256 == digest(key.secret)
    assert row.expires_at is not None
    assert row.expires_at - row.created_at == pytest.approx(90 * 86_400, abs=1)
    assert row.quota == Quota(7, 2**40, None)
    assert key.view.state == "working"


def test_only_the_first_key_is_the_first(database: Database) -> None:
    assert made(database).is_first
    assert not made(database, "other").is_first
    operations.revoke_named(database, "other", ANYBODY)
    assert not made(database, "third").is_first


def test_a_name_is_one_keys_until_that_is_revoked(database: Database) -> None:
    first = made(database)
    with pytest.raises(Conflict, match="There is a key 'lab' already"):
        made(database)
    operations.revoke_named(database, "lab", ANYBODY)
    second = made(database)
    assert second.view.row.key != first.view.row.key
    assert [view.state for view in operations.listing(database, None, 10)] == ["revoked", "working"]


def test_an_expired_key_is_told_apart(database: Database) -> None:
    made(database, expires="1s")
    with database.writing() as connection:
        table = metadata.tables["keys"]
        connection.execute(table.update().values(expires_at=table.c.created_at))
    assert [view.state for view in operations.listing(database, None, 10)] == ["expired"]


def test_the_first_key_is_not_made_over_http(database: Database) -> None:
    with pytest.raises(Conflict, match="memspan keys create"):
        operations.create(database, KeyRequest(name="lab", scope="admin"), ANYBODY, over_http=True)  # type: ignore[arg-type]
    assert operations.listing(database, None, 10) == []


def test_revoking_is_for_good_and_twice_is_once(database: Database) -> None:
    key = made(database).view.row.key
    operations.revoke(database, key, ANYBODY)
    (before,) = operations.listing(database, None, 10)
    operations.revoke(database, key, ANYBODY)
    (after,) = operations.listing(database, None, 10)
    assert before.row.revoked_at == after.row.revoked_at is not None
    with pytest.raises(NotFound, match="There is no key key-99"):
        operations.revoke(database, 99, ANYBODY)
    with pytest.raises(NotFound, match="There is no key 'lab'"):
        operations.revoke_named(database, "lab", ANYBODY)


def test_somebody_must_be_able_to_administer(database: Database) -> None:
    made(database)
    assert not operations.administrable(database)
    made(database, "root", "admin")
    assert operations.administrable(database)
    operations.revoke_named(database, "root", ANYBODY)
    assert not operations.administrable(database)


def test_abolishing_deletes_every_key(database: Database) -> None:
    made(database)
    made(database, "other")
    assert operations.abolish(database, ANYBODY) == 2
    assert made(database).is_first


def test_a_last_use_is_written_once_a_minute(database: Database) -> None:
    key = made(database).view.row.key
    table = metadata.tables["keys"]

    def used() -> float:
        with database.writing() as connection:
            keys.note_use(connection, key)
            row = keys.get(connection, key)
        assert row is not None
        assert row.used_at is not None
        return row.used_at

    first = used()
    assert used() == first
    with database.writing() as connection:
        connection.execute(table.update().values(used_at=first - USE_SECONDS - 1))
    assert used() >= first


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "two words"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "line\n"}, "name"),
        ({"scope": "boss"}, "scope"),
        ({"expires": "0d"}, "expires"),
        ({"expires": "90"}, "expires"),
        ({"expires": "-1d"}, "expires"),
        ({"expires": "999999999w"}, "expires"),
        ({"quota": {"runs": 1}}, "quota"),
        ({"quota": {"queued_runs": -1}}, "quota"),
        ({"quota": {"stored_bytes": 2**60}}, "quota"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_a_request_that_can_not_be_names_its_field(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        KeyRequest.model_validate({"name": "lab", "scope": "run", **fields})
    assert [error["loc"][0] for error in refused.value.errors()] == [place]
