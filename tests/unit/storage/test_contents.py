"""Contents: stored in pieces, found whole, and gone with what owns them."""

from __future__ import annotations

import pytest
import torch
from sqlalchemy import func, select, update

from memspan.interfaces.tensor_file import TensorFile, file_of
from service.operations import experiments, uploads
from service.storage import checkpoints, contents
from service.storage.tables import blobs, pieces, snapshots
from service.storage.tables import uploads as upload_rows
from tests.scenes import Scene

LARGE = file_of({"w": torch.arange(100.0)})


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE_BYTES", 64)


def counts(scene: Scene) -> dict[str, int]:
    with scene.context.database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (blobs, snapshots, upload_rows, pieces)
        }


def test_no_row_holds_more_than_a_piece(scene: Scene) -> None:
    content = uploads.uploaded(scene.context, {0: LARGE})[0]
    with scene.context.database.writing() as connection:
        checkpoints.store_blobs(connection, [content])
    with scene.context.database.reading() as connection:
        longest = [
            connection.execute(select(func.max(func.length(each)))).scalar_one()
            for each in (blobs.c.data, pieces.c.data)
        ]
        assert longest == [64, 64]
        assert checkpoints.data(connection, LARGE.sha256) == LARGE.data


def test_equal_weights_are_uploaded_once_and_a_second_upload_leaves_nothing(scene: Scene) -> None:
    files: dict[str, TensorFile] = {"best": LARGE, "last": file_of({"w": torch.arange(100.0)})}
    first = uploads.uploaded(scene.context, files, shared=True)
    assert first["best"] == first["last"]
    second = uploads.uploaded(scene.context, files, shared=True)
    for stored in (first, second):
        with scene.context.database.writing() as connection:
            checkpoints.store_blobs(connection, stored.values())
    assert counts(scene) == {"blobs": 1, "snapshots": 0, "uploads": 1, "pieces": len(LARGE.data) // 64}


def test_a_worker_that_lost_its_lease_leaves_no_pieces(scene: Scene) -> None:
    scene.submit()
    claimed = scene.claim()
    scene.give_back(claimed)
    scene.keep(claimed)
    assert counts(scene)["uploads"] == 0
    scene.finish(claimed)
    assert counts(scene) == {"blobs": 0, "snapshots": 0, "uploads": 0, "pieces": 0}


def test_runs_with_equal_snapshots_each_keep_their_own(scene: Scene) -> None:
    scene.submit()
    claimed = scene.claim()
    scene.keep(claimed)
    scene.give_back(claimed)
    assert set(scene.claim().snapshots) == {0, 1}


def test_a_newer_snapshot_takes_the_pieces_of_the_older_with_it(scene: Scene) -> None:
    scene.submit()
    claimed = scene.claim()
    scene.keep(claimed, epoch=0, step=1)
    before = counts(scene)
    scene.keep(claimed, epoch=1)
    assert (before["uploads"], counts(scene)["uploads"]) == (2, 2)
    scene.finish(claimed)
    assert counts(scene)["snapshots"] == 0
    with scene.context.database.reading() as connection:
        assert connection.execute(select(func.count()).where(upload_rows.c.run_key.is_not(None))).scalar_one() == 0


def test_pieces_go_with_the_experiment(scene: Scene) -> None:
    key = scene.submit()
    scene.finish(scene.claim())
    assert counts(scene)["pieces"] > 0
    told = experiments.delete(scene.context, key, dry_run=True)
    assert experiments.delete(scene.context, key, dry_run=False) == told
    assert counts(scene) == {"blobs": 0, "snapshots": 0, "uploads": 0, "pieces": 0}


def test_an_upload_that_nobody_finished_is_dropped_after_a_while(scene: Scene) -> None:
    uploads.uploaded(scene.context, {0: LARGE})
    with scene.context.database.writing() as connection:
        assert contents.drop_abandoned(connection) == 0
        connection.execute(update(upload_rows).values(touched_at=upload_rows.c.touched_at - 1000))
        assert contents.drop_abandoned(connection) == 1
    assert counts(scene)["pieces"] == 0


def test_an_upload_that_fails_half_way_leaves_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = contents.add

    def failing(connection: object, upload: int, number: int, data: bytes) -> None:
        if number == 3:
            raise OSError("the disk is full")
        real(connection, upload, number, data)  # type: ignore[arg-type]

    monkeypatch.setattr(contents, "add", failing)
    with pytest.raises(OSError, match="the disk is full"):
        uploads.uploaded(scene.context, {0: LARGE})
    assert counts(scene)["uploads"] == counts(scene)["pieces"] == 0
