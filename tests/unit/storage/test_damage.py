"""One flipped bit in anything that is stored: the run starts again, or nothing is answered; never other numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from sqlalchemy import func, select

from memspan.engine.snapshot import Position, Snapshot
from memspan.probes.change import Change
from service.errors import WeightsDamaged
from service.operations import checkpoints, events, predictions, probes, uploads, work
from service.operations.predictions import Question
from service.storage import metrics
from service.storage.states import Reason, RunState
from service.storage.tables import blobs, pieces, runs, snapshots, stacks
from service.storage.tables import checkpoints as checkpoint_rows
from service.storage.tables import uploads as upload_rows
from tests.scenes import Scene, measured
from tests.unit.storage.damage import damage
from workers.beat import Beat
from workers.identity import identify
from workers.loop import Loop, diagnosed

BITS = (0, 5, 17, 100, 333)


@pytest.fixture(params=["in one row", "in pieces"])
def stored(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How contents lie in the database."""
    if request.param == "in pieces":
        monkeypatch.setattr(uploads, "PIECE_BYTES", 64)
    return str(request.param)


def half_way(scene: Scene) -> tuple[int, dict[int, int]]:
    """An experiment both of whose runs wait with a snapshot of 60 numbers; its key, and the runs' by repeat."""
    key = scene.submit()
    claimed = scene.claim()
    taken = {repeat: Snapshot(Position(1, 0), {"weights": torch.randn(60)}) for repeat in claimed.runs}
    work.keep(scene.context, claimed, taken, (1, 0), 1.0, measured(claimed, 1, {"train_loss": 0.5}))
    scene.give_back(claimed)
    return key, dict(claimed.runs)


SNAPSHOT_DAMAGE: dict[str, Callable[[Scene, int, int], None]] = {
    "its data": lambda s, run, bit: damage(
        s.context.database, snapshots, snapshots.c.data, snapshots.c.run_key == run, bit
    ),
    "its digest": lambda s, run, bit: damage(
        s.context.database, snapshots, snapshots.c.sha256, snapshots.c.run_key == run, bit
    ),
    "its size": lambda s, run, bit: damage(
        s.context.database, snapshots, snapshots.c.bytes, snapshots.c.run_key == run, bit
    ),
}


def started_again(scene: Scene, key: int, run: int) -> None:
    """One run of the two starts from nothing, the other goes on, and the experiment's events say so."""
    claims = [scene.claim(), scene.claim()]
    assert {(claim.runs[repeat] == run, repeat in claim.snapshots) for claim in claims for repeat in claim.runs} == {
        (True, False),
        (False, True),
    }
    with scene.context.database.reading() as connection:
        assert metrics.of_run(connection, run) == []
        again = select(stacks.c.resume_epoch).join(runs, runs.c.stack_key == stacks.c.key).where(runs.c.key == run)
        assert connection.execute(again).scalar_one() == 0
    told = [each.body for each in events.after(scene.context, key, 0, 100) if each.type == "damaged"]
    assert [(body["what"], body["condition"]) for body in told] == [("snapshot", 0)]
    for claim in claims:
        scene.finish(claim)
    assert scene.state(key) == "succeeded"


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("what", SNAPSHOT_DAMAGE)
def test_a_run_whose_snapshot_lost_a_bit_starts_again(scene: Scene, what: str) -> None:
    key, keys = half_way(scene)
    SNAPSHOT_DAMAGE[what](scene, keys[0], 3)
    started_again(scene, key, keys[0])


def test_runs_of_a_stack_whose_position_lost_a_bit_start_again(scene: Scene) -> None:
    key, keys = half_way(scene)
    damage(scene.context.database, stacks, stacks.c.resume_step, stacks.c.experiment_key == key, 3)
    again = scene.claim()
    assert (sorted(again.runs.values()), dict(again.snapshots)) == (sorted(keys.values()), {})
    told = [each.body["repeat"] for each in events.after(scene.context, key, 0, 100) if each.type == "damaged"]
    assert told == sorted(again.runs)
    scene.finish(again)
    assert scene.state(key) == "succeeded"


@pytest.mark.parametrize("bit", BITS)
def test_a_run_one_of_whose_pieces_lost_a_bit_starts_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, bit: int
) -> None:
    monkeypatch.setattr(uploads, "PIECE_BYTES", 64)
    key, keys = half_way(scene)
    upload = select(upload_rows.c.key).where(upload_rows.c.run_key == keys[0]).scalar_subquery()
    damage(scene.context.database, pieces, pieces.c.data, (pieces.c.upload == upload) & (pieces.c.number == 2), bit)
    started_again(scene, key, keys[0])


def test_a_run_one_of_whose_pieces_is_gone_starts_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE_BYTES", 64)
    key, keys = half_way(scene)
    upload = select(upload_rows.c.key).where(upload_rows.c.run_key == keys[0]).scalar_subquery()
    with scene.context.database.writing() as connection:
        connection.execute(pieces.delete().where(pieces.c.upload == upload, pieces.c.number == 3))
    started_again(scene, key, keys[0])


def trained(scene: Scene) -> tuple[int, int]:
    """An experiment that was really trained; its key, and that of a checkpoint."""
    key = scene.submit(models=[{"kind": "lstm", "hidden_size": 3}])
    identity = identify(("cpu", "probe"), 2**34)
    Loop(scene.context, identity, Beat(scene.context, identity), lambda: False).work(["cpu", "probe"])
    assert scene.state(key) == "succeeded"
    with scene.context.database.reading() as connection:
        return key, connection.execute(select(func.min(checkpoint_rows.c.key))).scalar_one()


def sha256_of(scene: Scene, checkpoint: int) -> Any:
    return select(checkpoint_rows.c.sha256).where(checkpoint_rows.c.key == checkpoint).scalar_subquery()


WEIGHTS_DAMAGE: dict[str, Callable[[Scene, int, int], None]] = {
    "their data": lambda s, key, bit: damage(
        s.context.database, blobs, blobs.c.data, blobs.c.sha256 == sha256_of(s, key), bit
    ),
    "their name": lambda s, key, bit: damage(
        s.context.database, blobs, blobs.c.sha256, blobs.c.sha256 == sha256_of(s, key), bit
    ),
    "the name in the checkpoint": lambda s, key, bit: damage(
        s.context.database, checkpoint_rows, checkpoint_rows.c.sha256, checkpoint_rows.c.key == key, bit
    ),
}


def nothing_is_answered(scene: Scene, key: int, checkpoint: int) -> None:
    """Neither a prediction, nor the weights, nor a probe of them; the probe says why."""
    with pytest.raises(WeightsDamaged):
        predictions.predict(scene.context, checkpoint, Question([[0.5, 0.5]]))
    with pytest.raises(WeightsDamaged):
        checkpoints.weights(scene.context, checkpoint)
    asked = [
        probes.ask_checkpoint(scene.context, checkpoint, Change(index=0, sequences=8)),
        *probes.ask_experiment(scene.context, key, Change(index=1, sequences=8), probes.Where(), None),
        *probes.ask_experiment(scene.context, key, Change(index=1, sequences=8), probes.Where(), "best"),
    ]
    identity = identify(("probe",), 2**34)
    Loop(scene.context, identity, Beat(scene.context, identity), lambda: False).work(["probe"])
    ended = [probes.look(scene.context, probe.key) for probe in asked]
    assert (ended[0].state, ended[0].reason) == (RunState.FAILED, Reason.WEIGHTS_DAMAGED)
    assert any(each.reason is Reason.WEIGHTS_DAMAGED for each in ended[1:])
    for each in ended:
        assert (each.result is None) == (each.reason is Reason.WEIGHTS_DAMAGED)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("what", WEIGHTS_DAMAGE)
def test_of_weights_that_lost_a_bit_nothing_is_made(scene: Scene, what: str) -> None:
    key, checkpoint = trained(scene)
    predictions.predict(scene.context, checkpoint, Question([[0.5, 0.5]]))
    vars(scene.context).pop("models", None)
    WEIGHTS_DAMAGE[what](scene, checkpoint, 21)
    nothing_is_answered(scene, key, checkpoint)


def test_of_weights_one_of_whose_pieces_lost_a_bit_nothing_is_made(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIECE_BYTES", 64)
    key, checkpoint = trained(scene)
    upload = select(upload_rows.c.key).where(upload_rows.c.sha256 == sha256_of(scene, checkpoint)).scalar_subquery()
    damage(scene.context.database, pieces, pieces.c.data, (pieces.c.upload == upload) & (pieces.c.number == 3), 7)
    nothing_is_answered(scene, key, checkpoint)


def test_what_is_sent_piece_by_piece_breaks_off_when_it_breaks_meanwhile(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIECE_BYTES", 64)
    _, checkpoint = trained(scene)
    weights = checkpoints.weights(scene.context, checkpoint)
    whole = b"".join(weights.read(0, weights.size))
    assert len(whole) == weights.size
    assert b"".join(weights.read(60, 200)) == whole[60:200]
    upload = select(upload_rows.c.key).where(upload_rows.c.sha256 == sha256_of(scene, checkpoint)).scalar_subquery()
    damage(scene.context.database, pieces, pieces.c.data, (pieces.c.upload == upload) & (pieces.c.number == 2), 1)
    parts = weights.read(0, weights.size)
    sent = [next(parts) for _ in range(weights.size // 64)]
    with pytest.raises(WeightsDamaged):
        next(parts)
    assert len(b"".join(sent)) < weights.size


def test_a_damaged_checkpoint_is_a_reason_of_its_own() -> None:
    assert diagnosed(WeightsDamaged("A sentence."))[0] is Reason.WEIGHTS_DAMAGED
