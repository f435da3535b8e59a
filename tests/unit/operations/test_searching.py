"""Searches: whoever ends a round's last run queues the next round, exactly once, until the span is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from memspan.experiment.grid import conditions
from memspan.experiment.rounds import following
from memspan.experiment.series import all_series
from memspan.interfaces.readings import Scalars
from memspan.probes.change import Change
from service.errors import Conflict, Unprocessable
from service.operations import experiments, finish_runs, patrol, probes, results
from service.operations.claiming import ClaimedRuns
from service.operations.evidence import run_rows
from service.operations.probes import Where
from service.storage import events, tallies
from service.storage.clock import now
from service.storage.states import Reason, RunState
from service.storage.tables import experiments as experiments_table
from service.storage.tables import runs
from tests.scenes import Scene, spec

LENGTHS = {"search": {"low": 2, "high": 200}}
SPAN = 30  # time steps that the models of these tests remember
ANSWER = Scalars(values={"loss": 0.5}, low={"loss": 0.25}, high={"loss": 0.75}, n=2, units={"loss": "1"})
PROBES = [{"kind": "change", "index": 0}]


def search(scene: Scene, **changes: Any) -> int:
    return scene.submit(**{"lengths": LENGTHS, "repeats": 10, **changes})


def end(scene: Scene, claimed: ClaimedRuns) -> None:
    """End claimed runs: those solve their task that are no longer than the models' span."""
    scene.finish(claimed, test_accuracy=float((claimed.condition.length or 0) <= SPAN))


def work(scene: Scene, rounds: int = 99) -> None:
    """Do what waits, this many rounds of it."""
    for _ in range(rounds):
        claims = []
        while (claimed := scene.try_claim()) is not None:
            claims.append(claimed)
        if not claims:
            return
        for claimed in claims:
            end(scene, claimed)


def stored(scene: Scene, key: int) -> list[Any]:
    with scene.context.database.reading() as connection:
        statement = select(runs).where(runs.c.experiment_key == key).order_by(runs.c.key)
        return list(connection.execute(statement))


def told(scene: Scene, key: int, kind: str) -> list[dict[str, Any]]:
    """The bodies of an experiment's events of one type."""
    with scene.context.database.reading() as connection:
        return [row.body for row in events.after(connection, key, 0, 10_000) if row.type == kind]


def test_a_search_begins_with_its_first_round_and_goes_on_by_rounds_to_its_span(scene: Scene) -> None:
    key = search(scene)
    assert [row.round for row in stored(scene, key)] == [1, 1, 1]
    work(scene, rounds=1)
    assert scene.state(key) == "running"
    assert {row.round for row in stored(scene, key)} == {1, 2}
    work(scene)
    assert scene.state(key) == "succeeded"
    (span,) = results.results_document(scene.context, key)["spans"]
    assert span["low"] <= SPAN <= span["high"] <= 1.1 * span["span"]


def test_what_is_asked_for_is_what_the_runs_so_far_say(scene: Scene) -> None:
    key = search(scene, models=[{"kind": "rnn"}, {"kind": "lstm"}])
    work(scene)
    whole = spec(lengths=LENGTHS, repeats=10, models=[{"kind": "rnn"}, {"kind": "lstm"}])
    with scene.context.database.reading() as connection:
        rows = run_rows(connection, key)
    for series in all_series(whole):
        mine = [row for row in rows if row.condition in series.positions]
        for number in range(1, max(row.round for row in mine)):
            asked = following(whole, series, [row for row in mine if row.round <= number])
            expected = {(allocation.position, repeat) for allocation in asked for repeat in allocation.repeats}
            assert {(row.condition, row.repeat) for row in mine if row.round == number + 1} == expected


def test_rows_of_later_rounds_are_as_if_they_had_been_there_from_the_start(scene: Scene) -> None:
    models = [{"kind": "lstm", "hidden_size": 128}]
    key = search(scene, repeats=40, models=models)
    places = set()
    while (claimed := scene.try_claim()) is not None:
        (place,) = {repeat // claimed.placement.width for repeat in claimed.runs}
        places.add(place)
        end(scene, claimed)
    grid = conditions(spec(lengths=LENGTHS, repeats=40, models=models))
    rows = stored(scene, key)
    assert len(places) > 1
    assert all(row.seed == grid[row.condition].run_seed(row.repeat) for row in rows)
    assert all(row.queue == "cpu" for row in rows)
    assert len({(row.width, row.engine) for row in rows}) == 1


def test_counters_and_events_grow_with_the_rounds(scene: Scene) -> None:
    key = search(scene)
    before = experiments.look(scene.context, key).counts
    work(scene)
    rows = stored(scene, key)
    after = experiments.look(scene.context, key).counts
    assert (before["runs"]["total"], after["runs"]["total"]) == (3, len(rows))
    assert (before["progress"]["total"], after["progress"]["completed"]) == (6, 2 * len(rows))
    assert after["progress"]["total"] == after["progress"]["completed"]
    rounds = told(scene, key, "round")
    assert [body["round"] for body in rounds] == list(range(2, max(row.round for row in rows) + 1))
    assert sum(sum(body["repeats"]) for body in rounds) == len(rows) - 3
    assert {(body["task"], body["model"]) for body in rounds} == {("latch", "rnn")}


def test_each_task_and_model_searches_for_itself(scene: Scene) -> None:
    key = search(
        scene, tasks=[{"kind": "latch"}, {"kind": "latch", "noise": 0.2}], models=[{"kind": "rnn"}, {"kind": "gru"}]
    )
    claims = [scene.claim() for _ in range(12)]
    mine = [
        claimed
        for claimed in claims
        if (claimed.condition.task, claimed.condition.model) == (claims[0].condition.task, claims[0].condition.model)
    ]
    for claimed in mine:
        end(scene, claimed)
    assert len(mine) == 3
    assert len(told(scene, key, "round")) == 1
    for claimed in claims:
        if claimed not in mine:
            end(scene, claimed)
    assert len(told(scene, key, "round")) == 4
    work(scene)
    assert scene.state(key) == "succeeded"
    assert len(results.results_document(scene.context, key)["spans"]) == 4


def test_workers_that_end_a_round_at_once_queue_the_next_once(scene: Scene) -> None:
    key = search(scene)
    for _ in range(3):
        claims = []
        while (claimed := scene.try_claim(f"worker-{len(claims)}")) is not None:
            claims.append(claimed)
        with ThreadPoolExecutor(len(claims)) as pool:
            list(pool.map(lambda each: end(scene, each), claims))
    rounds = [body["round"] for body in told(scene, key, "round")]
    assert rounds == [2, 3, 4][: len(rounds)]
    assert len(rounds) >= 2
    rows = stored(scene, key)
    assert len({(row.condition, row.repeat) for row in rows}) == len(rows)


def test_the_bell_rings_for_a_new_round(scene: Scene) -> None:
    search(scene)
    scene.context.bell.rung.clear()
    work(scene, rounds=1)
    assert scene.context.bell.rung == ["cpu"]


def test_a_worker_that_dies_only_delays_a_round(scene: Scene) -> None:
    key = search(scene)
    lost = scene.claim("doomed")
    while (claimed := scene.try_claim()) is not None:
        end(scene, claimed)
    assert told(scene, key, "round") == []
    patrol.take_back(scene.context, "doomed")
    end(scene, lost)  # a zombie: it writes nothing
    assert told(scene, key, "round") == []
    work(scene)
    assert scene.state(key) == "succeeded"


def test_a_run_whose_workers_are_lost_thrice_ends_its_round_as_failed(scene: Scene) -> None:
    key = search(scene)
    claims = [scene.claim() for _ in range(3)]
    end(scene, claims[0]), end(scene, claims[1])
    for _ in range(2):
        patrol.take_back(scene.context, "worker")
        scene.claim()
    patrol.take_back(scene.context, "worker")
    assert scene.counts(key)["failed"] == 1
    assert len(told(scene, key, "round")) == 1
    work(scene)
    assert scene.state(key) == "partial"
    assert results.results_document(scene.context, key)["searches"][0]["over"]


def test_a_search_of_which_all_runs_fail_ends(scene: Scene) -> None:
    key = search(scene, probes=PROBES)
    while (claimed := scene.try_claim()) is not None:
        finish_runs.end(scene.context, claimed, RunState.FAILED, Reason.ERROR, "for a test")
    assert (scene.state(key), scene.counts(key)) == ("failed", {"failed": 3})


def test_a_search_goes_on_without_lengths_that_fail(scene: Scene) -> None:
    key = search(scene)
    while (claimed := scene.try_claim()) is not None:
        if (claimed.condition.length or 0) > 100:
            finish_runs.end(scene.context, claimed, RunState.FAILED, Reason.OUT_OF_MEMORY, "for a test")
        else:
            end(scene, claimed)
    assert scene.state(key) in ("succeeded", "partial")
    (span,) = results.results_document(scene.context, key)["spans"]
    assert span["low"] <= SPAN <= span["high"]


def test_a_cancelled_search_asks_for_nothing_more(scene: Scene) -> None:
    key = search(scene, probes=PROBES)
    work(scene, rounds=1)
    claimed = scene.claim()
    experiments.cancel(scene.context, key)
    end(scene, claimed)
    assert scene.state(key) == "cancelled"
    assert len(told(scene, key, "round")) == 1
    assert results.results_document(scene.context, key)["searches"][0]["over"]


def test_a_search_that_is_cancelled_after_its_last_run_keeps_what_it_has(scene: Scene) -> None:
    key = search(scene)
    claims = [scene.claim() for _ in range(3)]
    experiments.cancel(scene.context, key)
    for claimed in claims:
        end(scene, claimed)
    assert told(scene, key, "round") == []
    assert scene.state(key) == "succeeded"


def test_a_paused_search_queues_its_next_round_and_waits_with_it(scene: Scene) -> None:
    key = search(scene)
    claims = [scene.claim() for _ in range(3)]
    experiments.pause(scene.context, key)
    for claimed in claims:
        end(scene, claimed)
    assert len(told(scene, key, "round")) == 1
    assert scene.try_claim() is None
    experiments.resume(scene.context, key)
    work(scene)
    assert scene.state(key) == "succeeded"


def test_a_search_whose_time_is_over_ends_instead_of_failing_round_after_round(scene: Scene) -> None:
    key = search(scene, limits={"max_seconds": 3600})
    work(scene, rounds=1)
    before = len(stored(scene, key))
    with scene.context.database.writing() as connection:
        connection.execute(update(experiments_table).values(started_at=now() - 4000))
    patrol.walk(scene.context, "owner")
    assert scene.state(key) == "partial"
    assert len(stored(scene, key)) == before


def test_probes_are_asked_of_all_searched_lengths_when_the_search_is_over(scene: Scene) -> None:
    key = search(scene, probes=PROBES)
    work(scene, rounds=1)
    assert probes.claim(scene.context, "worker") is None
    work(scene)
    assert scene.context.bell.rung[-1] == "probe"
    repeats: dict[int, int] = {}
    for row in stored(scene, key):
        repeats[row.condition] = repeats.get(row.condition, 0) + 1
    for _ in repeats:
        claimed = probes.claim(scene.context, "worker")
        assert claimed is not None
        patrol.walk(scene.context, "owner")
        probes.finish(scene.context, claimed, ANSWER)
    assert scene.state(key) == "succeeded"
    asked = probes.listing(scene.context, None, 500, key, None, None)
    assert {row.condition: row.n for row in asked} == repeats


def test_a_user_may_probe_what_was_searched_and_only_when_no_repeats_can_follow(scene: Scene) -> None:
    key = search(scene)
    work(scene, rounds=1)
    with pytest.raises(Conflict, match="not finished yet"):
        probes.ask_experiment(scene.context, key, Change(), Where(), None)
    work(scene)
    asked = probes.ask_experiment(scene.context, key, Change(), Where(), None)
    assert {row.condition for row in asked} == {row.condition for row in stored(scene, key)}
    with pytest.raises(Unprocessable, match="No condition"):
        probes.ask_experiment(scene.context, key, Change(), Where(lengths=(200,)), None)


def test_a_searched_experiment_is_deleted_whole(scene: Scene) -> None:
    key = search(scene)
    work(scene)
    count = len(stored(scene, key))
    freed = experiments.delete(scene.context, key, dry_run=False)
    assert freed.rows > count
    assert stored(scene, key) == []


def test_a_round_is_queued_by_the_very_transaction_that_ends_the_one_before(scene: Scene) -> None:
    """There is no moment in which nothing is left to do and the experiment hasn't ended."""
    key = search(scene)
    while (claimed := scene.try_claim()) is not None:
        end(scene, claimed)
        with scene.context.database.reading() as connection:
            left = tallies.of_experiment(connection, key).open
        assert (left == 0) == (scene.state(key) == "succeeded")
        patrol.walk(scene.context, "owner")
    assert scene.state(key) == "succeeded"


def test_later_rounds_wait_for_a_gpu_where_the_first_did(scene: Scene) -> None:
    key = search(scene, models=[{"kind": "lstm", "hidden_size": 128}])
    claims = [scene.claim() for _ in range(3)]
    with scene.context.database.writing() as connection:
        connection.execute(update(runs).values(queue="gpu"))
    for claimed in claims:
        end(scene, claimed)
    assert {row.queue for row in stored(scene, key)} == {"gpu"}
    assert scene.context.bell.rung[-1] == "gpu"


def test_a_search_and_a_task_without_lengths_go_together(scene: Scene) -> None:
    key = search(scene, tasks=[{"kind": "latch"}, {"kind": "regression"}], models=[{"kind": "mlp"}])
    assert len(stored(scene, key)) == 3 + 10
    work(scene)
    document = results.results_document(scene.context, key)
    assert scene.state(key) == "succeeded"
    assert [each["length"] for each in document["conditions"]][-1] is None
    assert len(document["searches"]) == 1
