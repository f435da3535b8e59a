"""More repeats or epochs: to the very numbers of an experiment that asked for all at once; on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select, text

from service.errors import Conflict, Forbidden, Unprocessable
from service.operations import claiming, events, experiments, extending, patrol, retrying
from service.operations.caller import Caller
from service.operations.context import Context
from service.operations.doctor import examined
from service.operations.extension import Extended, Extension
from service.queue.bell import NoBell
from service.queue_names import Queue
from service.scopes import Scope
from service.settings import Settings
from service.storage import events as storage_events
from service.storage.database import Database
from service.storage.states import Reason
from service.storage.tables import checkpoints, metrics, probes, runs
from tests.scenes import Scene, spec
from workers.beat import Beat
from workers.identity import identify
from workers.loop import Loop

QUEUES = ("cpu", "probe")
SPEC: dict[str, Any] = {
    "lengths": [2, 3],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "mlp"}],
    "training": {"epochs": 2, "train_size": 48, "validation_size": 16, "test_size": 16},
    "probes": [{"kind": "change", "index": 0}],
    "repeats": 3,
}
SGD = {"kind": "sgd", "learning_rate": 0.05}


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    return Context(
        Settings(home=tmp_path, database_url=database.engine.url.render_as_string(False)), database, NoBell()
    )


def trained(**fields: Any) -> dict[str, Any]:
    return {**SPEC["training"], **fields}


def submitted(context: Context, **changes: Any) -> int:
    return int(experiments.submit(context, spec(**{**SPEC, **changes})).row.key)


def work(context: Context) -> None:
    """Do all that waits, as a local worker would."""
    identity = identify(QUEUES, 2**34)
    Loop(context, identity, Beat(context, identity), lambda: False).work(QUEUES)


def numbers(context: Context, key: int) -> dict[str, Any]:
    """Everything that was found, by condition and repeat: final metrics, weights, curves, and answers of probes."""
    run = (runs.c.condition, runs.c.repeat)
    with context.database.reading() as connection:
        mine = runs.c.experiment_key == key
        whole = select(*run, runs.c.seed, runs.c.engine, runs.c.width, runs.c.state, runs.c.metrics, runs.c.epochs_done)
        weights = select(*run, checkpoints.c.kind, checkpoints.c.epoch, checkpoints.c.sha256)
        curves = select(*run, metrics.c.split, metrics.c.name, metrics.c.epoch, metrics.c.value)
        answers = select(probes.c.condition, probes.c.kind, probes.c.n, probes.c.result)
        return {
            "spec": experiments.found(connection, key).spec,
            "runs": sorted(map(str, connection.execute(whole.where(mine)))),
            "weights": sorted(
                connection.execute(weights.join(runs, checkpoints.c.run_key == runs.c.key).where(mine)).all()
            ),
            "curves": sorted(connection.execute(curves.join(runs, metrics.c.run_key == runs.c.key).where(mine)).all()),
            "probes": sorted(map(str, connection.execute(answers.where(probes.c.experiment_key == key)))),
        }


def sound(context: Context) -> bool:
    return all(each.sound for each in examined(context, mend=False))


def more(context: Context, key: int, **asked: int) -> Extended:
    return extending.extend(context, key, Extension.model_validate(asked))[1]


def test_repeats_that_are_added_are_those_of_asking_for_all_at_once(context: Context) -> None:
    key, whole = submitted(context), submitted(context, repeats=7)
    work(context)
    assert more(context, key, repeats=4) == Extended("repeats", 3, 7, added=16)
    assert sound(context)
    work(context)
    assert numbers(context, key) == numbers(context, whole)
    row = experiments.look(context, key)
    assert (row.row.state, row.counts["runs"]["succeeded"]) == ("succeeded", 28)
    assert sound(context)


def test_epochs_go_on_from_stored_weights_where_the_optimiser_remembers_nothing_else(context: Context) -> None:
    fewer, all_of_them = trained(optimizer=SGD, halve_every=4), trained(optimizer=SGD, halve_every=4, epochs=5)
    for report in ("last", "best"):
        key = submitted(context, training=fewer, report={"checkpoint": report})
        whole = submitted(context, training=all_of_them, report={"checkpoint": report})
        work(context)
        assert more(context, key, epochs=3) == Extended("epochs", 2, 5, resumed=12)
        assert sound(context)
        work(context)
        assert not [each for each in events.after(context, key, 0, 500) if each.type in ("damaged", "other_processor")]
        assert numbers(context, key) == numbers(context, whole)
        assert sound(context)


def test_epochs_begin_again_where_the_optimiser_remembers_more(context: Context) -> None:
    key, whole = submitted(context), submitted(context, training=trained(epochs=3))
    work(context)
    done = more(context, key, epochs=1)
    assert (done.anew, done.resumed) == (12, 0)
    assert done.because is not None
    assert "The optimiser adam remembers more than the weights" in done.because
    assert sound(context)
    work(context)
    assert numbers(context, key) == numbers(context, whole)
    assert sound(context)


def test_what_was_changed_since_it_was_looked_at_is_planned_again(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry comes in between, after which more runs have succeeded."""
    whole = submitted(context, training=trained(epochs=4))
    work(context)
    key = submitted(context)
    work(context)
    plan = extending.MoreEpochs.of.__func__  # type: ignore[attr-defined]
    calls = []

    def overtaken(kind: Any, connection: Any, row: Any, asked: Any) -> Any:
        calls.append(row.event_sequence)
        found = plan(kind, connection, row, asked)
        if len(calls) == 1:
            probe = {"kind": "change", "index": 1}
            with context.database.writing() as other:
                storage_events.append(other, key, ("note", probe))
        return found

    monkeypatch.setattr(extending.MoreEpochs, "of", classmethod(overtaken))
    extending.extend(context, key, Extension(epochs=2))
    assert len(calls) == 2
    assert calls[1] > calls[0]
    work(context)
    assert numbers(context, key) == numbers(context, whole)


def test_runs_that_diverged_stay_as_they_are(context: Context) -> None:
    wild = {"kind": "sgd", "learning_rate": 100.0}
    task = [{"kind": "adding"}]
    changes: dict[str, Any] = {"tasks": task, "lengths": [8], "probes": [], "models": [{"kind": "mlp"}]}
    key = submitted(context, training=trained(optimizer=wild), **changes)
    whole = submitted(context, training=trained(optimizer=wild, epochs=4), **changes)
    work(context)
    done = more(context, key, epochs=2)
    assert done.unchanged > 0, "this test needs runs that diverge"
    work(context)
    assert numbers(context, key) == numbers(context, whole)
    assert experiments.look(context, key).row.state == "succeeded"
    assert sound(context)


def test_a_run_whose_weights_are_damaged_begins_again_to_the_same_numbers(context: Context) -> None:
    changes: dict[str, Any] = {"models": [{"kind": "rnn", "hidden_size": 1}], "lengths": [2], "probes": []}
    key = submitted(context, training=trained(optimizer=SGD), **changes)
    work(context)
    more(context, key, epochs=2)
    with context.database.writing() as connection:
        connection.execute(text("UPDATE blobs SET data = :data"), {"data": b"other"})
    work(context)
    told = [each.type for each in events.after(context, key, 0, 500)]
    assert told.count("damaged") == 3
    whole = submitted(context, training=trained(optimizer=SGD, epochs=4), **changes)
    work(context)
    assert numbers(context, key) == numbers(context, whole)


def test_a_cancelled_extension_can_be_retried_to_the_same_numbers(context: Context) -> None:
    key, whole = (
        submitted(context, training=trained(optimizer=SGD)),
        submitted(context, training=trained(optimizer=SGD, epochs=3)),
    )
    work(context)
    more(context, key, epochs=1)
    experiments.cancel(context, key)
    assert sound(context)
    retrying.retry(context, key)
    assert sound(context)
    work(context)
    assert numbers(context, key) == numbers(context, whole)
    assert sound(context)


def test_what_more_would_not_be_the_same_as_all_at_once_is_a_conflict(scene: Scene) -> None:
    asked = Extension(repeats=1)
    active = scene.submit()
    with pytest.raises(Conflict, match="can be extended once it has ended"):
        extending.extend(scene.context, active, asked)
    experiments.cancel(scene.context, active)
    with pytest.raises(Conflict, match="retry it first"):
        extending.extend(scene.context, active, asked)
    search = scene.submit(lengths={"search": {"low": 2, "high": 30}})
    while (claimed := scene.try_claim()) is not None:
        scene.finish(claimed, test_accuracy=0.2)
    with pytest.raises(Conflict, match="searches for lengths"):
        extending.extend(scene.context, search, asked)


def test_limits_are_those_of_asking_for_all_at_once(scene: Scene) -> None:
    key = scene.submit()
    scene.finish_all()
    for asked, words in (
        (Extension(repeats=999), "has 2 repeats; 999 more are 1001. At most 1000 are allowed"),
        (Extension(epochs=100_000), "has 2 epochs; 100000 more are 100002. At most 100000 are allowed"),
    ):
        with pytest.raises(Unprocessable, match=words) as refused:
            extending.extend(scene.context, key, asked)
        (error,) = refused.value.errors
        assert (error.pointer, error.given) == (f"#/{asked.name}", asked.more)
    assert scene.state(key) == "succeeded"


def test_only_its_owner_or_an_admin_extends(scene: Scene) -> None:
    key = scene.submit()
    scene.finish_all()
    with pytest.raises(Forbidden, match="only its owner or an admin"):
        extending.extend(scene.context, key, Extension(repeats=1), Caller("bob", Scope.RUN))


def test_failed_runs_stay_failed_while_others_are_extended(scene: Scene) -> None:
    key = scene.submit(lengths=[2, 3])
    scene.fail(scene.claim(), Reason.ERROR, "It broke.")
    scene.finish_all()
    extending.extend(scene.context, key, Extension(epochs=1))
    assert scene.counts(key) == {"failed": 2, "queued": 2}
    scene.finish_all()
    assert (scene.state(key), scene.counts(key)) == ("partial", {"failed": 2, "succeeded": 2})


def test_a_post_that_made_it_is_known_after_an_extension(scene: Scene) -> None:
    made = experiments.submit(scene.context, spec(), "a key").row.key
    scene.finish_all()
    extending.extend(scene.context, made, Extension(repeats=1))
    scene.finish_all()
    extending.extend(scene.context, made, Extension(epochs=1))
    assert experiments.submit(scene.context, spec(), "a key").row.key == made
    with pytest.raises(Unprocessable):
        experiments.submit(scene.context, spec(repeats=3), "a key")


@pytest.mark.parametrize("asked", [{}, {"repeats": 1, "epochs": 1}, {"repeats": 0}, {"epochs": -1}, {"lengths": 2}])
def test_an_extension_is_of_one_thing(asked: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Extension.model_validate(asked)


def test_a_worker_lost_on_the_way_changes_nothing(context: Context) -> None:
    """Killed before its first slice: the next one goes on from the same stored weights."""
    changes: dict[str, Any] = {"models": [{"kind": "rnn", "hidden_size": 1}], "lengths": [2], "probes": []}
    key = submitted(context, training=trained(optimizer=SGD), **changes)
    work(context)
    more(context, key, epochs=2)
    lost = claiming.claim(context, "lost", [Queue.CPU])
    assert lost is not None
    assert {each.position.epoch for each in lost.snapshots.values()} == {2}
    patrol.take_back(context, "lost")
    assert sound(context)
    work(context)
    whole = submitted(context, training=trained(optimizer=SGD, epochs=4), **changes)
    work(context)
    assert numbers(context, key) == numbers(context, whole)
    assert sound(context)


def test_runs_that_end_when_they_have_converged_begin_again_for_more_epochs(context: Context) -> None:
    def asked(at_most: int) -> dict[str, Any]:
        return trained(optimizer=SGD, epochs={"until": "converged", "at_most": at_most})

    key, whole = submitted(context, training=asked(12)), submitted(context, training=asked(30))
    work(context)
    done = more(context, key, epochs=18)
    assert (done.before, done.total, done.resumed, done.anew) == (12, 30, 0, 12)
    assert "until it has converged" in str(done.because)
    assert sound(context)
    work(context)
    assert numbers(context, key) == numbers(context, whole)
    assert experiments.look(context, key).counts["progress"]["completed"] == 30 * 12
    assert sound(context)
