"""Snapshots: where runs go on, or start again when theirs is lost."""

from __future__ import annotations

from sqlalchemy import select, update

from service.storage.tables import snapshots, stacks
from tests.scenes import Scene


def test_a_claim_hands_out_the_newest_slice(scene: Scene) -> None:
    scene.submit()
    claimed = scene.claim()
    scene.keep(claimed, epoch=0, step=1)
    scene.keep(claimed, epoch=1, step=2)
    scene.give_back(claimed)
    again = scene.claim()
    assert {(each.position.epoch, each.position.step) for each in again.snapshots.values()} == {(1, 2)}
    assert again.lease != claimed.lease


def test_a_run_whose_snapshot_is_broken_starts_again(scene: Scene) -> None:
    key = scene.submit()
    claimed = scene.claim()
    scene.keep(claimed, epoch=1)
    scene.give_back(claimed)
    with scene.context.database.writing() as connection:
        broken = snapshots.c.run_key == claimed.runs[0]
        connection.execute(update(snapshots).where(broken).values(data=b"not a snapshot"))
    claims = [scene.claim(), scene.claim()]
    assert {(repeat, repeat in claim.snapshots) for claim in claims for repeat in claim.runs} == {(0, False), (1, True)}
    for claim in claims:
        scene.finish(claim)
    assert scene.state(key) == "succeeded"


def test_when_all_snapshots_are_lost_all_runs_start_again(scene: Scene) -> None:
    scene.submit()
    claimed = scene.claim()
    scene.keep(claimed, epoch=1, train_loss=0.1)
    scene.give_back(claimed)
    with scene.context.database.writing() as connection:
        connection.execute(snapshots.delete())
    again = scene.claim()
    assert (set(again.runs), dict(again.snapshots)) == ({0, 1}, {})
    with scene.context.database.reading() as connection:
        assert set(connection.execute(select(stacks.c.resume_epoch)).scalars()) == {0}


def test_finished_runs_keep_no_snapshot(scene: Scene) -> None:
    scene.submit()
    claimed = scene.claim()
    scene.keep(claimed)
    scene.finish(claimed)
    with scene.context.database.reading() as connection:
        assert connection.execute(select(snapshots)).all() == []
