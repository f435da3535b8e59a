"""The work loop over a real database, in this process."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import select, update

from memspan.engine.fused import scope
from memspan.engine.fused.backend import loaded
from memspan.engine.fused.warming import USUAL
from memspan.engine.trainer import Trainer
from memspan.probes.change import Change
from service.operations import experiments, probes, runs
from service.operations.claiming import ClaimedRuns
from service.storage.states import RunState
from service.storage.tables import runs as runs_table
from service.storage.tables import stacks
from tests.scenes import Scene
from workers import appetite
from workers import loop as loop_module
from workers import reporter as reporter_module
from workers.beat import Beat
from workers.identity import identify
from workers.loop import Loop, diagnosed

QUEUES = ("cpu", "probe")


@pytest.fixture
def loop_of(scene: Scene) -> Iterator[Callable[..., Loop]]:
    """Makes a loop over the scene, with a beat of its own."""
    beats = []

    def make(leaving: Callable[[], bool] = lambda: False) -> Loop:
        identity = identify(QUEUES, 2**34)
        beat = Beat(scene.context, identity)
        beat.start()
        beats.append(beat)
        return Loop(scene.context, identity, beat, leaving)

    yield make
    for beat in beats:
        beat.end()


def test_a_loop_trains_all_that_waits_and_asks_the_probes(scene: Scene, loop_of: Callable[..., Loop]) -> None:
    key = scene.submit(lengths=[2, 3], probes=[Change(index=0, sequences=10)])
    assert loop_of().work(QUEUES) == 4
    assert scene.state(key) == "succeeded"
    assert scene.counts(key) == {"succeeded": 4}


def test_a_worker_of_two_queues_serves_them_in_turn(
    scene: Scene, loop_of: Callable[..., Loop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appetite, "MOST", 1)
    scene.submit(lengths=[2, 3, 4, 5])
    with scene.context.database.writing() as connection:
        on_gpu = stacks.c.turn.in_(select(stacks.c.turn).order_by(stacks.c.turn).limit(2))
        connection.execute(update(stacks).where(on_gpu).values(queue="gpu", turn=1e6))
        connection.execute(
            update(runs_table)
            .where(runs_table.c.stack_key.in_(select(stacks.c.key).where(stacks.c.queue == "gpu")))
            .values(queue="gpu")
        )
    served = []
    train = Loop._train_all

    def noted(self: Loop, claimed: Sequence[ClaimedRuns]) -> None:
        served.append(claimed[0].queue)
        train(self, claimed)

    monkeypatch.setattr(Loop, "_train_all", noted)
    loop_of().work(("cpu", "gpu"))
    assert served == ["cpu", "gpu", "cpu", "gpu"]


@pytest.mark.usefixtures("compiled_loops")
def test_the_compiled_loops_are_ready_before_the_first_claim(scene: Scene, loop_of: Callable[..., Loop]) -> None:
    loaded.cache_clear()
    loop = loop_of()
    loop.warm()
    ready = loaded.cache_info().misses
    assert ready == len(USUAL)
    scene.submit(models=[{"kind": kind} for kind in ("rnn", "lstm", "gru")])
    loop.work(QUEUES)
    assert loaded.cache_info().misses == ready


@pytest.mark.usefixtures("compiled_loops")
def test_a_run_s_record_names_the_engine_that_served(
    scene: Scene, loop_of: Callable[..., Loop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Submitted where the fused engine works, trained where it doesn't."""
    key = scene.submit()
    assert engines(scene, key) == ["fused", "fused"]
    monkeypatch.setattr(scope, "works", lambda: False)
    loop_of().work(QUEUES)
    assert scene.counts(key) == {"succeeded": 2}
    assert engines(scene, key) == ["torch", "torch"]


def engines(scene: Scene, key: int) -> list[str]:
    """What the records of an experiment's runs say."""
    return [run.engine for run in runs.listing(scene.context, key, None, 10, None)[0]]


def test_a_probe_is_answered_in_the_middle_of_training(
    scene: Scene, loop_of: Callable[..., Loop], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = loop_of()
    done = scene.submit()
    loop.work(QUEUES)
    checkpoint = _checkpoint(scene, done)
    long = scene.submit(lengths=[3], training={"epochs": 3, "train_size": 32, "validation_size": 16, "test_size": 16})
    seen = []

    class Asking(Trainer):
        """Somebody asks a probe while the first epoch is trained."""

        def events(self) -> Iterator[object]:  # type: ignore[override]
            for number, event in enumerate(super().events()):
                if number == 1:
                    probe = probes.ask_checkpoint(scene.context, checkpoint, Change(sequences=10))
                yield event
                if number == 1:
                    seen.append(probes.look(scene.context, probe.key).state)

    monkeypatch.setattr(loop_module, "Trainer", Asking)
    monkeypatch.setattr(reporter_module, "TELL_SECONDS", 0.0)
    loop.work(QUEUES)
    assert seen == ["succeeded"]
    assert scene.state(long) == "succeeded"


def test_a_loop_that_is_asked_to_leave_stores_a_slice_and_gives_its_runs_back(
    scene: Scene, loop_of: Callable[..., Loop]
) -> None:
    key = scene.submit()
    asked = iter([False, False, False])
    assert loop_of(lambda: next(asked, True)).work(QUEUES) <= 1
    assert scene.counts(key) == {"queued": 2}
    claimed = scene.claim()
    assert claimed.snapshots.keys() == claimed.runs.keys()
    position = claimed.snapshots[0].position
    assert (position.epoch, position.step) > (0, 0)


def test_an_error_in_training_fails_the_runs_with_a_sentence_and_not_the_worker(
    scene: Scene, loop_of: Callable[..., Loop], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = scene.submit()

    class Broken(Trainer):
        def events(self) -> Iterator[object]:  # type: ignore[override]
            raise MemoryError
            yield

    monkeypatch.setattr(loop_module, "Trainer", Broken)
    loop_of().work(QUEUES)
    assert scene.state(key) == "failed"
    rows, _ = runs.listing(scene.context, key, None, 10, None)
    assert {(row.state, row.reason) for row in rows} == {(RunState.FAILED, "out_of_memory")}
    assert rows[0].detail.startswith("There was not enough memory")


def test_reasons_are_words_for_programs_and_sentences_for_people() -> None:
    assert diagnosed(RuntimeError("shapes differ")) == ("error", "RuntimeError: shapes differ")
    assert diagnosed(MemoryError())[0] == "out_of_memory"


def test_a_cancelled_experiment_ends_at_the_next_report(
    scene: Scene, loop_of: Callable[..., Loop], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = scene.submit()

    class Cancelled(Trainer):
        def events(self) -> Iterator[object]:  # type: ignore[override]
            for number, event in enumerate(super().events()):
                if number == 1:
                    experiments.cancel(scene.context, key)
                yield event

    monkeypatch.setattr(loop_module, "Trainer", Cancelled)
    monkeypatch.setattr(reporter_module, "TELL_SECONDS", 0.0)
    loop_of().work(QUEUES)
    assert scene.state(key) == "cancelled"
    assert scene.counts(key) == {"cancelled": 2}


def _checkpoint(scene: Scene, experiment: int) -> int:
    rows, _ = runs.listing(scene.context, experiment, None, 1, None)
    _, _, checkpoints = runs.look(scene.context, rows[0].key)
    return int(checkpoints[0].key)
