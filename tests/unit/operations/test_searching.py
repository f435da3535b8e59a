"""Searches: whoever ends a round's last run queues the next round, exactly once, until the span is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import update

from memspan.experiment.grid import conditions
from memspan.experiment.rounds import following
from memspan.experiment.series import all_series
from service.operations import experiments, patrol, results
from service.operations.evidence import run_rows
from service.storage import tallies
from service.storage.tables import runs
from tests.scenes import Scene, spec
from tests.unit.operations.searches import LENGTHS, SPAN, end, search, stored, told, work


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
    key = search(scene, models=[{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}])
    work(scene)
    whole = spec(
        lengths=LENGTHS, repeats=10, models=[{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}]
    )
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
        scene,
        tasks=[{"kind": "latch"}, {"kind": "latch", "noise": 0.2}],
        models=[{"kind": "rnn", "hidden_size": 1}, {"kind": "gru", "hidden_size": 1}],
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
