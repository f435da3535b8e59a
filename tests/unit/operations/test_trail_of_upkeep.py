"""What changes stored things without a request is in the audit trail, too: retention, the doctor, a restore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select, update

from service.operations import backups, ids, retention
from service.operations.caller import who_runs
from service.operations.doctor import examined
from service.restoring import restored
from service.settings import Settings
from service.storage import audit
from service.storage.audit import EntryRecord, Narrow
from service.storage.database import Database
from service.storage.retention import Rule
from service.storage.states import Keep
from service.storage.tables import experiments
from tests.databases import migrate
from tests.scenes import Scene, context_over
from tests.unit.operations.test_retention import aged, carried_out

SOMEBODY = who_runs("memspan retention")


def trail(database: Database) -> Sequence[EntryRecord]:
    """All entries, oldest first."""
    with database.reading() as connection:
        return tuple(reversed(audit.page(connection, Narrow(), None, 1_000)))


def test_a_rule_that_is_put_or_removed_says_who_did_it(scene: Scene) -> None:
    before = len(trail(scene.context.database))
    retention.put(scene.context, Rule("draft", 7, Keep.BEST), SOMEBODY)
    retention.remove(scene.context, "draft", SOMEBODY)
    retention.remove(scene.context, "draft", SOMEBODY)
    told = [(row.caller, row.action, row.object, row.detail) for row in trail(scene.context.database)[before:]]
    assert told == [
        (SOMEBODY.name, "put_retention_rule", "draft", "7 days after their end, best is kept"),
        (SOMEBODY.name, "remove_retention_rule", "draft", None),
    ]


def test_weights_that_a_rule_drops_are_told_with_the_rule(scene: Scene) -> None:
    key = aged(scene, 8, "latch")
    retention.put(scene.context, Rule("latch", 7, Keep.BEST))
    before = len(trail(scene.context.database))
    carried_out(scene)
    (told,) = trail(scene.context.database)[before:]
    assert (told.caller, told.action, told.object) == (
        "retention, rule latch",
        "drop_weights",
        ids.public(ids.EXPERIMENT, key),
    )
    assert told.detail is not None
    assert told.detail.startswith("best is kept; 4 rows and ")


def test_an_experiment_that_retention_deletes_is_told_like_any_other_with_its_name(scene: Scene) -> None:
    key = aged(scene, 30)
    with scene.context.database.reading() as connection:
        name = connection.execute(select(experiments.c.name).where(experiments.c.key == key)).scalar_one()
    carried_out(Scene(context_over(scene.context.database, retention_days=14)))
    told = [row for row in trail(scene.context.database) if row.caller == "retention, MEMSPAN_RETENTION_DAYS"]
    assert [row.action for row in told] == ["drop_weights", "delete_experiment"]
    assert {row.object for row in told} == {ids.public(ids.EXPERIMENT, key)}
    assert (told[-1].status, told[-1].detail) == (204, name)


def test_what_the_doctor_mends_is_told_and_looking_alone_is_not(scene: Scene) -> None:
    scene.submit()
    with scene.context.database.writing() as connection:
        connection.execute(update(experiments).values(event_sequence=experiments.c.event_sequence + 3))
    before = len(trail(scene.context.database))
    assert [each.check for each in examined(scene.context) if not each.sound] == ["event_numbers"]
    assert len(trail(scene.context.database)) == before
    assert all(each.sound for each in examined(scene.context, mend=True, caller=who_runs("memspan doctor --mend")))
    (told,) = trail(scene.context.database)[before:]
    assert (told.caller, told.path) == (SOMEBODY.name, "memspan doctor --mend")
    assert (told.action, told.object, told.detail) == ("mend", "event_numbers", "1 mended")


def test_a_restore_stands_in_the_trail_that_it_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MEMSPAN_{name.upper()}", raising=False)
    target, home = tmp_path / "lab.backup", tmp_path / "home"
    migrate(f"sqlite:///{tmp_path / 'memspan.db'}")
    manifest = backups.make(tmp_path / "memspan.db", target)
    monkeypatch.setenv("MEMSPAN_HOME", str(home))
    restored(target)
    _, kept = restored(target)
    assert kept is not None
    (told,) = trail(Database(f"sqlite:///{home / 'memspan.db'}"))
    assert (told.caller, told.action, told.path) == (SOMEBODY.name, "restore", "memspan restore")
    assert told.detail is not None
    assert all(part in told.detail for part in (target.name, manifest.sha256, kept.name))
