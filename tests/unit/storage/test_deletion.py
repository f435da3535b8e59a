"""Deletion: frees exactly what it says, leaves what others use, whatever happens at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any

import pytest
from sqlalchemy import func, select, update

from memspan.probes import probe as probe_family
from service.errors import Conflict, NotFound
from service.operations import checkpoints, deleting, experiments, patrol, probes, results, runs
from service.operations.doctor import examined
from service.storage import deletion
from service.storage.experiments import Filter
from service.storage.tables import blobs, metadata
from service.storage.tables import checkpoints as checkpoint_rows
from service.storage.tables import experiments as experiment_rows
from service.storage.tables import runs as run_rows
from tests.scenes import Scene, spec

ROUNDS = 12
OPERATION = ("audit", "counters", "leaderships", "workers")


def finished(scene: Scene, weight: Callable[[int], float] = float) -> int:
    key = scene.submit()
    scene.finish(scene.claim(), weight)
    return key


def stored(scene: Scene) -> tuple[int, int]:
    """How many weights are stored, and their bytes."""
    with scene.context.database.reading() as connection:
        count, total = connection.execute(select(func.count(), func.sum(blobs.c.bytes))).one()
    return count, int(total or 0)


def rows(scene: Scene) -> int:
    """Rows of all tables but those of operation."""
    with scene.context.database.reading() as connection:
        tables = [table for name, table in metadata.tables.items() if name not in OPERATION]
        return sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


def test_equal_weights_are_stored_once(scene: Scene) -> None:
    key = scene.submit(repeats=8)
    scene.finish(scene.claim(), weight=lambda repeat: 7.0)
    assert stored(scene)[0] == 1
    assert scene.state(key) == "succeeded"


def test_deletion_frees_exactly_what_its_rehearsal_says(scene: Scene) -> None:
    kept = finished(scene, weight=lambda repeat: 100.0 + repeat)
    before_rows, (before_count, before_bytes) = rows(scene), stored(scene)
    key = finished(scene)
    freed = experiments.delete(scene.context, key, dry_run=True)
    assert (rows(scene) - before_rows, stored(scene)[1] - before_bytes) == (freed.rows, freed.bytes)
    assert experiments.delete(scene.context, key, dry_run=False) == freed
    assert deleting.remove(scene.context, key, inf), "what a fifth of a second did not remove on a busy machine"
    assert (rows(scene), stored(scene)) == (before_rows, (before_count, before_bytes))
    assert scene.state(kept) == "succeeded"


def test_weights_that_others_use_stay_until_the_last_of_them_goes(scene: Scene) -> None:
    first, second = finished(scene), finished(scene)
    assert experiments.delete(scene.context, first, dry_run=False).bytes == 0
    assert stored(scene)[0] == 2
    assert experiments.delete(scene.context, second, dry_run=False).bytes > 0
    assert stored(scene) == (0, 0)


def test_an_active_experiment_is_not_deleted(scene: Scene) -> None:
    key = scene.submit()
    with pytest.raises(Conflict):
        experiments.delete(scene.context, key, dry_run=False)
    claimed = scene.claim()
    with pytest.raises(Conflict):
        experiments.delete(scene.context, key, dry_run=False)
    scene.finish(claimed)
    experiments.delete(scene.context, key, dry_run=False)
    with pytest.raises(NotFound):
        experiments.look(scene.context, key)


def test_what_a_worker_holds_of_a_deleted_experiment_is_nobodys(scene: Scene) -> None:
    """A probe may be asked of a finished experiment; deleting it meanwhile must not trouble the worker."""
    key = finished(scene)
    claimed_probe = ask(scene, key)
    claimed = probes.claim(scene.context, "worker")
    assert claimed is not None
    assert claimed.key == claimed_probe.key
    experiments.delete(scene.context, key, dry_run=False)
    probes.fail(scene.context, claimed, "error", "too late")  # type: ignore[arg-type]
    assert probes.claim(scene.context, "worker") is None


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deletion whose time is over after one run."""
    monkeypatch.setattr(experiments, "REMOVING_SECONDS", 0.0)
    monkeypatch.setattr(deleting, "FIRST", 1)


@pytest.mark.usefixtures("slow")
def test_a_deleted_experiment_is_gone_at_once_and_its_rows_go_behind_that(scene: Scene) -> None:
    before = rows(scene)
    key = finished(scene)
    asked = ask(scene, key)
    with scene.context.database.reading() as connection:
        run = connection.execute(select(func.max(run_rows.c.key))).scalar_one()
        checkpoint = connection.execute(select(func.max(checkpoint_rows.c.key))).scalar_one()
    experiments.delete(scene.context, key, dry_run=False)
    assert rows(scene) > before, "one run is left"
    for look, gone in (
        (experiments.look, key),
        (results.version, key),
        (runs.look, run),
        (checkpoints.look, checkpoint),
        (probes.look, asked.key),
    ):
        with pytest.raises(NotFound):
            look(scene.context, gone)
    assert experiments.listing(scene.context, Filter(), None, 10) == []
    assert probes.listing(scene.context, None, 10, None, None, None) == []
    assert probes.claim(scene.context, "worker") is None
    with pytest.raises(NotFound):
        experiments.delete(scene.context, key, dry_run=True)
    assert [each.check for each in examined(scene.context) if not each.sound] == []
    patrol.walk(scene.context, "patrol")
    assert (rows(scene), stored(scene)) == (before, (0, 0))


@pytest.mark.usefixtures("slow")
def test_a_deletion_that_nobody_goes_on_with_is_found_and_mended_by_the_doctor(scene: Scene) -> None:
    key = finished(scene)
    experiments.delete(scene.context, key, dry_run=False)
    with scene.context.database.writing() as connection:
        connection.execute(update(experiment_rows).values(deleted_at=experiment_rows.c.deleted_at - 7_200))
    assert [each.check for each in examined(scene.context) if not each.sound] == ["deletions"]
    assert [each.check for each in examined(scene.context, mend=True) if not each.sound] == []
    assert stored(scene) == (0, 0)


@pytest.mark.usefixtures("slow")
def test_the_key_of_a_deleted_experiment_makes_another(scene: Scene) -> None:
    first = experiments.submit(scene.context, spec(), "key").row.key
    scene.finish_all()
    experiments.delete(scene.context, first, dry_run=False)
    assert experiments.submit(scene.context, spec(), "key").row.key != first


def test_what_could_not_be_counted_in_time_is_reckoned_run_for_run(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "COUNTED", 1)
    key = finished(scene)
    with scene.context.database.reading() as connection:
        whole, some = deletion.size(connection, key), deletion.size(connection, key, seconds=0)
    assert (whole.exact, some.exact) == (True, False)
    assert (some.rows, some.bytes) == (whole.rows, whole.bytes), "both runs hold as much"


def test_units_of_work_grow_while_they_are_short_and_shrink_when_they_are_long() -> None:
    assert deleting.adapted(50, 0.01) == 100
    assert deleting.adapted(50, 0.1) == 50
    assert deleting.adapted(50, 0.5) == 25
    assert (deleting.adapted(1, 9.0), deleting.adapted(deleting.MOST, 0.0)) == (1, deleting.MOST)


def ask(scene: Scene, key: int) -> Any:
    spec = probe_family.spec("change").model_validate({"kind": "change", "index": 0})
    return probes.ask_experiment(scene.context, key, spec, probes.Where(), None)[0]


def at_once(*deeds: Callable[[], Any]) -> list[BaseException | None]:
    """Do things in threads that start together; what each raised."""
    gate = threading.Barrier(len(deeds))

    def waiting(deed: Callable[[], Any]) -> None:
        gate.wait(timeout=30)
        deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [work.exception(timeout=60) for work in [pool.submit(waiting, deed) for deed in deeds]]


def test_experiments_deleted_at_once_leave_no_weights_behind(scene: Scene) -> None:
    for _ in range(ROUNDS):
        first, second = finished(scene), finished(scene)
        failed = at_once(
            lambda first=first: experiments.delete(scene.context, first, dry_run=False),
            lambda second=second: experiments.delete(scene.context, second, dry_run=False),
        )
        assert (failed, stored(scene)) == ([None, None], (0, 0))


def test_one_experiment_deleted_twice_at_once_is_deleted_once(scene: Scene) -> None:
    for _ in range(ROUNDS):
        key = finished(scene)
        one, other = at_once(*[lambda key=key: experiments.delete(scene.context, key, dry_run=False)] * 2)
        assert {type(one), type(other)} == {type(None), NotFound}
        assert stored(scene) == (0, 0)


def test_deleting_while_another_stores_the_same_weights_breaks_neither(scene: Scene) -> None:
    from workers.patience import patiently

    for _ in range(ROUNDS):
        old = finished(scene)
        new = scene.submit()
        claimed = scene.claim()
        failed = at_once(
            lambda old=old: experiments.delete(scene.context, old, dry_run=False),
            lambda claimed=claimed: patiently(lambda: scene.finish(claimed)),
        )
        assert (failed, scene.state(new), stored(scene)[0]) == ([None, None], "succeeded", 2)
        experiments.delete(scene.context, new, dry_run=False)
        assert stored(scene) == (0, 0)


def test_a_probe_asked_while_its_experiment_is_deleted_finds_it_or_does_not(scene: Scene) -> None:
    for _ in range(ROUNDS):
        key = finished(scene)
        asked, deleted = at_once(
            lambda key=key: ask(scene, key), lambda key=key: experiments.delete(scene.context, key, dry_run=False)
        )
        assert deleted is None
        assert asked is None or isinstance(asked, NotFound), asked
        assert probes.listing(scene.context, None, 10, None, None, None) == []


def test_a_probe_asked_of_a_checkpoint_that_is_just_deleted_finds_it_or_does_not(scene: Scene) -> None:
    spec = probe_family.spec("change").model_validate({"kind": "change", "index": 0})
    for checkpoint in range(1, 4 * ROUNDS, 4):
        key = finished(scene)
        checkpoints.look(scene.context, checkpoint)
        asked, deleted = at_once(
            lambda checkpoint=checkpoint: probes.ask_checkpoint(scene.context, checkpoint, spec),
            lambda key=key: experiments.delete(scene.context, key, dry_run=False),
        )
        assert deleted is None
        assert asked is None or isinstance(asked, NotFound), asked
