"""The doctor: finds each kind of damage, says what to do, mends what it may, and is silent about a sound database."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Table, delete, func, insert, select, text, update

from service.operations.doctor import Finding, examined
from service.storage import checks as family
from service.storage.checks import every_check
from service.storage.tables import (
    blobs,
    conditions,
    events,
    experiments,
    metrics,
    runs,
    snapshots,
    stacks,
    tallies,
    uploads,
)
from service.storage.tables import checkpoints as checkpoint_rows
from tests.scenes import Scene
from tests.unit.storage.damage import damage, unruled


def found(scene: Scene, mend: bool = False) -> dict[str, Finding]:
    """What is wrong, by check."""
    return {each.check: each for each in examined(scene.context, mend) if not each.sound}


def lived_in(scene: Scene) -> None:
    """Finished, half-way, failed, cancelled and waiting runs, a search, probes, deleted things."""
    done = scene.submit(probes=[{"kind": "change", "index": 0}])
    scene.finish(scene.claim())
    scene.submit(lengths={"search": {"low": 2, "high": 30}})
    claimed = scene.claim()
    scene.keep(claimed)
    scene.finish(claimed, test_accuracy=0.2)
    waiting = scene.submit(repeats=3)
    claimed = scene.claim()
    scene.keep(claimed)
    scene.give_back(claimed)
    assert done < waiting


def write(scene: Scene, table: Table, **values: object) -> None:
    with unruled(scene.context.database) as connection:
        connection.execute(update(table).values(**values))


DAMAGE: dict[str, tuple[Callable[[Scene], None], bool]] = {
    "weights": (
        lambda s: damage(s.context.database, blobs, blobs.c.data, blobs.c.sha256 == _first_blob(s)),
        False,
    ),
    "snapshots": (lambda s: damage(s.context.database, snapshots, snapshots.c.data, snapshots.c.run_key > 0), True),
    "unused_weights": (lambda s: _insert(s, blobs, sha256=sha256(b"x").hexdigest(), bytes=1, data=b"x"), True),
    "unfinished_uploads": (lambda s: _insert(s, uploads, touched_at=1.0), True),
    "references": (lambda s: _insert(s, metrics, run_key=999, split="train", name="loss", epoch=1, kind=0), True),
    "rows": (lambda s: write(s, runs, finished_at=None), False),
    "event_numbers": (lambda s: write(s, experiments, event_sequence=experiments.c.event_sequence + 3), True),
    "experiments": (lambda s: write(s, experiments, runs=experiments.c.runs + 1), False),
    "leases": (lambda s: write_lapsed(s), True),
    "tallies": (lambda s: write(s, tallies, queued=tallies.c.queued + 1), True),
    "stacks": (lambda s: write(s, stacks, runs=stacks.c.runs + 1), True),
    "conditions": (lambda s: write_open(s), True),
}
"""by check: what damages, and whether it is mended"""


def _first_blob(scene: Scene) -> str:
    with scene.context.database.reading() as connection:
        return str(connection.execute(text("SELECT min(sha256) FROM blobs")).scalar_one())


def _insert(scene: Scene, table: Table, **values: object) -> None:
    with unruled(scene.context.database) as connection:
        connection.execute(insert(table).values(**values))


def write_lapsed(scene: Scene) -> None:
    scene.submit()
    scene.claim()
    with scene.context.database.writing() as connection:
        connection.execute(update(stacks).where(stacks.c.lease.is_not(None)).values(lease_until=1.0))


def write_open(scene: Scene) -> None:
    scene.submit(probes=[{"kind": "change", "index": 0}])
    write(scene, conditions, open=conditions.c.open + 1)


def half_way(scene: Scene) -> None:
    """One finished experiment, and one run that waits with a snapshot."""
    scene.submit()
    scene.finish(scene.claim())
    scene.submit(repeats=1)
    claimed = scene.claim()
    scene.keep(claimed)
    scene.give_back(claimed)


def test_a_sound_database_is_called_sound(scene: Scene) -> None:
    lived_in(scene)
    assert found(scene) == {}
    assert found(scene, mend=True) == {}


def test_an_empty_database_is_sound(scene: Scene) -> None:
    assert found(scene) == {}


@pytest.mark.parametrize("check", DAMAGE)
def test_each_damage_is_found_by_its_check_and_mended_where_that_is_safe(scene: Scene, check: str) -> None:
    spoil, mendable = DAMAGE[check]
    half_way(scene)
    spoil(scene)
    wrong = found(scene)
    assert list(wrong) == [check]
    assert wrong[check].found
    assert wrong[check].advice.endswith(".")
    after = found(scene, mend=True)
    assert (check not in after) == mendable
    if mendable:
        assert found(scene) == {}


@pytest.mark.parametrize("more", [-1, 1])
def test_an_experiment_that_a_wrong_tally_kept_active_ends_when_it_is_mended(scene: Scene, more: int) -> None:
    key, other = scene.submit(repeats=3), scene.submit()
    held = scene.claim()
    write(scene, tallies, queued=tallies.c.queued + more)
    scene.finish(held)
    scene.finish_all()
    assert "tallies" in found(scene)
    assert found(scene, mend=True) == {}
    assert (scene.state(key), scene.counts(key)) == ("succeeded", {"succeeded": 3})
    assert (scene.state(other), scene.counts(other)) == ("succeeded", {"succeeded": 2})


def test_what_a_worker_holds_is_counted_as_running_by_a_recount(scene: Scene) -> None:
    key = scene.submit(repeats=3, lengths=[2, 3])
    held = scene.claim()
    scene.keep(held)
    left = left_seconds(scene)
    write(scene, tallies, running=tallies.c.running + 5, epochs=7.0, left_seconds=0.5)
    found(scene, mend=True)
    assert scene.counts(key) == {"running": 3, "queued": 3}
    assert left_seconds(scene) == pytest.approx(left, rel=1e-6)
    scene.finish(held)
    scene.finish_all()
    assert (scene.state(key), found(scene)) == ("succeeded", {})


def left_seconds(scene: Scene) -> float:
    with scene.context.database.reading() as connection:
        return float(connection.execute(select(func.sum(tallies.c.left_seconds))).scalar_one())


@pytest.mark.parametrize("held", [False, True])
def test_runs_that_are_in_no_stack_are_queued_again_and_end(scene: Scene, held: bool) -> None:
    key = scene.submit(repeats=2, probes=[{"kind": "change", "index": 0, "sequences": 10}])
    claimed = scene.claim()
    scene.keep(claimed)
    if not held:
        scene.give_back(claimed)
    with unruled(scene.context.database) as connection:
        connection.execute(delete(stacks))
    assert found(scene)["stacks"].found == ("Some open runs are in no stack.",)
    assert found(scene, mend=True) == {}
    again = [scene.claim(), scene.claim()]
    assert [(each.snapshots, len(each.runs)) for each in again] == [({}, 1), ({}, 1)]
    for each in again:
        scene.finish(each)
    assert scene.counts(key) == {"succeeded": 2}
    assert found(scene) == {}


def test_a_stack_without_runs_is_dropped(scene: Scene) -> None:
    key = scene.submit(lengths=[2, 3])
    with unruled(scene.context.database) as connection:
        (first, *_) = connection.execute(select(stacks.c.key).order_by(stacks.c.key)).scalars()
        ended = {"state": "cancelled", "finished_at": 1.0}
        connection.execute(update(runs).where(runs.c.stack_key == first).values(**ended))
    assert set(found(scene)) >= {"stacks", "tallies"}
    assert found(scene, mend=True) == {}
    assert scene.finish_all() == 1
    assert scene.counts(key) == {"cancelled": 2, "succeeded": 2}


def test_a_checkpoint_without_weights_is_found(scene: Scene) -> None:
    half_way(scene)
    damage(scene.context.database, checkpoint_rows, checkpoint_rows.c.sha256, checkpoint_rows.c.key == 1)
    assert set(found(scene)) == {"references"}
    assert "refer by sha256 to rows of blobs that are gone" in found(scene)["references"].found[0]


def test_a_run_mended_of_its_broken_snapshot_starts_again(scene: Scene) -> None:
    half_way(scene)
    damage(scene.context.database, snapshots, snapshots.c.data, snapshots.c.run_key > 0)
    found(scene, mend=True)
    assert scene.claim().snapshots == {}


def test_events_go_on_after_a_mended_counter(scene: Scene) -> None:
    key = scene.submit()
    with unruled(scene.context.database) as connection:
        connection.execute(update(experiments).values(event_sequence=0))
        assert connection.execute(events.select()).all()
    assert "event_numbers" in found(scene)
    found(scene, mend=True)
    scene.finish_all()
    assert scene.state(key) == "succeeded"
    assert found(scene) == {}


def test_a_new_check_is_one_file_and_shows_up_by_itself(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mondays.py").write_text(
        '"""There are no Mondays."""\nADVICE = "Wait."\n\ndef find(connection):\n    yield "It is Monday."\n'
    )
    monkeypatch.setattr(family, "__path__", [*family.__path__, str(tmp_path)])
    assert found(scene)["mondays"].document() == {
        "check": "mondays", "rule": "There are no Mondays.", "found": ["It is Monday."], "more": 0, "mended": 0,
        "advice": "Wait.", "sound": False,
    }  # fmt: skip


def test_a_row_that_can_t_be_read_stops_one_check_only(scene: Scene) -> None:
    if scene.context.database.dialect == "postgresql":
        return  # its columns hold what their type says
    with unruled(scene.context.database) as connection:
        connection.execute(text("INSERT INTO blobs (sha256, bytes, data) VALUES ('ab', 1, 'a text')"))
    assert {name: each.found for name, each in found(scene).items() if name == "weights"} == {
        "weights": ("It could not be looked at: TypeError; the log tells more.",)
    }
    assert set(found(scene)) == {"weights", "unused_weights"}


def test_every_check_says_its_rule_and_what_to_do() -> None:
    assert len(every_check()) >= 10
    for check in every_check():
        assert check.rule.endswith((".", ").")), check.name
        assert check.advice.endswith("."), check.name
