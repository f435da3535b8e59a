"""Tuning: whoever ends the last run that serves to choose queues what is reported, exactly once."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from memspan.experiment.grid import conditions
from memspan.interfaces.readings import Scalars
from memspan.probes.change import Change
from service.errors import Conflict
from service.operations import experiments, finish_runs, patrol, probes, results, retrying
from service.operations.claiming import ClaimedRuns
from service.operations.doctor import examined
from service.operations.exports import export
from service.operations.extending import extend
from service.operations.extension import Extension
from service.operations.probes import Where
from service.storage import events, tallies
from service.storage.clock import now
from service.storage.states import Reason, RunState
from service.storage.tables import experiments as experiments_table
from service.storage.tables import runs
from tests.scenes import SMALLEST, Scene, spec

RATES = [0.001, 0.01, 0.1]
BEST = 0.01
TRAINING = {**SMALLEST["training"], "optimizer": {"kind": "adam", "learning_rate": {"tune": RATES}}}
PROBES = [{"kind": "change", "index": 0}]
ANSWER = Scalars(values={"loss": 0.5}, low={"loss": 0.25}, high={"loss": 0.75}, n=2, units={"loss": "1"})


def tuned(scene: Scene, **changes: Any) -> int:
    return scene.submit(**{"lengths": [2, 3], "training": TRAINING, **changes})


def loss_by(claimed: ClaimedRuns) -> float:
    """What claimed runs validate: the nearer to the best rate the better."""
    rate = claimed.condition.training.optimizer.step_size
    return 0.1 + abs(RATES.index(rate) - RATES.index(BEST))


def end(scene: Scene, claimed: ClaimedRuns) -> None:
    scene.finish(claimed, validation_loss=loss_by(claimed), validation_accuracy=float(loss_by(claimed) < 1))


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


def reported(scene: Scene, key: int, **changes: Any) -> list[Any]:
    grid = conditions(spec(**{"lengths": [2, 3], "training": TRAINING, **changes}))
    return [row for row in stored(scene, key) if grid[row.condition].is_reported]


def told(scene: Scene, key: int, kind: str) -> list[dict[str, Any]]:
    """The bodies of an experiment's events of one type."""
    with scene.context.database.reading() as connection:
        return [row.body for row in events.after(connection, key, 0, 10_000) if row.type == kind]


def test_the_runs_that_choose_come_first_and_what_is_reported_follows(scene: Scene) -> None:
    key = tuned(scene)
    assert (len(stored(scene, key)), reported(scene, key)) == (2 * 3 * 3, [])
    work(scene, rounds=1)
    assert scene.state(key) == "running"
    rows = reported(scene, key)
    grid = conditions(spec(lengths=[2, 3], training=TRAINING))
    assert {grid[row.condition].training.optimizer.step_size for row in rows} == {BEST}
    assert [row.round for row in stored(scene, key)] == [0] * 18 + [1] * 4
    assert all(row.seed == grid[row.condition].run_seed(row.repeat) for row in stored(scene, key))
    work(scene)
    assert scene.state(key) == "succeeded"
    assert len(stored(scene, key)) == 22


def test_results_are_about_fresh_runs_alone(scene: Scene) -> None:
    key = tuned(scene)
    work(scene, rounds=1)
    before = results.results_document(scene.context, key)
    assert [len(before[name]) for name in ("spans", "comparisons")] == [0, 0]
    assert {each["chosen"] for each in before["tuning"]} == {BEST}
    work(scene)
    document = results.results_document(scene.context, key)
    assert [entry["runs"]["total"] for entry in document["conditions"]] == [2, 2]
    assert {entry["budget"]["learning_rate"] for entry in document["conditions"]} == {BEST}
    assert document["spans"][0]["budget"]["tuned"]["numbers"][0]["candidates"] == RATES
    assert all(not each["at_edge"] and each["warning"] is None for each in document["tuning"])
    assert all(each["window"]["decades"] == pytest.approx(1.0) for each in document["tuning"])
    assert {item["n"] for item in results.learning(scene.context, key)} <= {2}


def test_exports_mark_what_a_run_was_for(scene: Scene) -> None:
    key = tuned(scene)
    work(scene)
    rows = list(csv.DictReader(io.StringIO(b"".join(export(scene.context, key, "csv")).decode())))
    purposes = [row["purpose"] for row in rows]
    assert (purposes.count("tuning"), purposes.count("report")) == (18, 4)
    assert {row["learning_rate"] for row in rows if row["purpose"] == "report"} == {str(BEST)}


def test_each_condition_is_settled_for_itself(scene: Scene) -> None:
    key = tuned(scene)
    claims = [scene.claim() for _ in range(6)]
    mine = [claimed for claimed in claims if claimed.condition.length == 2]
    for claimed in mine:
        end(scene, claimed)
    assert {row.condition for row in reported(scene, key)} == {1}
    for claimed in claims:
        if claimed not in mine:
            end(scene, claimed)
    assert len(reported(scene, key)) == 4


def test_one_length_may_choose_for_all(scene: Scene) -> None:
    training = {**TRAINING, "tuning": {"repeats": 2, "length": 3}}
    key = tuned(scene, training=training)
    assert len(stored(scene, key)) == 3 * 2
    work(scene)
    assert len(reported(scene, key, training=training)) == 4
    (choice,) = results.results_document(scene.context, key)["tuning"]
    assert (choice["length"], choice["chosen"]) == (3, BEST)


def test_workers_that_end_the_choice_at_once_queue_the_reports_once(scene: Scene) -> None:
    key = tuned(scene)
    claims = [scene.claim(f"worker-{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda each: end(scene, each), claims))
    rows = stored(scene, key)
    assert len({(row.condition, row.repeat) for row in rows}) == len(rows) == 22
    assert len(told(scene, key, "round")) == 2
    assert {body["setting"]["learning_rate"] for body in told(scene, key, "round")} == {BEST}


def test_a_worker_that_dies_only_delays_the_choice(scene: Scene) -> None:
    key = tuned(scene)
    lost = scene.claim("doomed")
    while (claimed := scene.try_claim()) is not None:
        end(scene, claimed)
    patrol.take_back(scene.context, "doomed")
    end(scene, lost)  # a zombie: it writes nothing
    assert len(told(scene, key, "round")) == 1
    work(scene)
    assert scene.state(key) == "succeeded"
    assert {each["chosen"] for each in results.results_document(scene.context, key)["tuning"]} == {BEST}


def test_a_run_that_failed_leaves_the_choice_open_until_it_is_retried(scene: Scene) -> None:
    key = tuned(scene, lengths=[2])
    claims = [scene.claim() for _ in range(3)]
    finish_runs.end(scene.context, claims[0], RunState.FAILED, Reason.OUT_OF_MEMORY, "for a test")
    for claimed in claims[1:]:
        end(scene, claimed)
    assert scene.state(key) == "partial"
    (choice,) = results.results_document(scene.context, key)["tuning"]
    assert (choice["chosen"], choice["failed"], choice["open"]) == (None, 3, False)
    assert results.results_document(scene.context, key)["conditions"] == []
    retrying.retry(scene.context, key)
    work(scene)
    assert scene.state(key) == "succeeded"
    assert results.results_document(scene.context, key)["tuning"][0]["chosen"] == BEST
    assert len(stored(scene, key)) == 9 + 2


def test_a_cancellation_between_choice_and_report_is_one_and_can_be_retried(scene: Scene) -> None:
    key = tuned(scene, lengths=[2])
    claims = [scene.claim() for _ in range(3)]
    experiments.cancel(scene.context, key)
    for claimed in claims:
        end(scene, claimed)
    assert (scene.state(key), len(stored(scene, key))) == ("cancelled", 9)
    retrying.retry(scene.context, key)
    assert scene.state(key) == "queued"
    work(scene)
    assert (scene.state(key), len(stored(scene, key))) == ("succeeded", 11)
    with pytest.raises(Conflict, match="nothing to retry"):
        retrying.retry(scene.context, key)


def test_an_experiment_whose_time_is_over_after_the_choice_is_partial(scene: Scene) -> None:
    key = tuned(scene, lengths=[2], limits={"max_seconds": 3600})
    claims = [scene.claim() for _ in range(3)]
    with scene.context.database.writing() as connection:
        connection.execute(update(experiments_table).values(started_at=now() - 4000))
    for claimed in claims:
        end(scene, claimed)
    assert scene.state(key) == "partial"
    retrying.retry(scene.context, key)
    work(scene)
    assert scene.state(key) == "succeeded"


def test_a_paused_experiment_queues_its_reports_and_waits_with_them(scene: Scene) -> None:
    key = tuned(scene)
    claims = [scene.claim() for _ in range(6)]
    experiments.pause(scene.context, key)
    for claimed in claims:
        end(scene, claimed)
    assert scene.try_claim() is None
    experiments.resume(scene.context, key)
    work(scene)
    assert scene.state(key) == "succeeded"


def test_counters_grow_with_what_follows(scene: Scene) -> None:
    key = tuned(scene)
    assert experiments.look(scene.context, key).counts["progress"]["total"] == 18 * 2
    while (claimed := scene.try_claim()) is not None:
        end(scene, claimed)
        with scene.context.database.reading() as connection:
            left = tallies.of_experiment(connection, key).open
        assert (left == 0) == (scene.state(key) == "succeeded")
        patrol.walk(scene.context, "owner")
    counts = experiments.look(scene.context, key).counts
    assert counts["runs"]["succeeded"] == counts["runs"]["total"] == 22
    assert counts["progress"]["completed"] == counts["progress"]["total"] == 22 * 2
    assert all(finding.sound for finding in examined(scene.context) if finding.check != "file")


def test_probes_are_asked_of_reported_models_alone(scene: Scene) -> None:
    key = tuned(scene, probes=PROBES)
    work(scene)
    asked = probes.listing(scene.context, None, 500, key, None, None)
    assert {row.condition for row in asked} == {row.condition for row in reported(scene, key)}
    for _ in asked:
        claimed = probes.claim(scene.context, "worker")
        assert claimed is not None
        probes.finish(scene.context, claimed, ANSWER)
    assert scene.state(key) == "succeeded"
    more = probes.ask_experiment(scene.context, key, Change(percent=20), Where(), None)
    assert {row.condition for row in more} == {row.condition for row in asked}


def test_nothing_is_retried_where_all_reported_models_are_probed(scene: Scene) -> None:
    key = tuned(scene, probes=PROBES)
    work(scene)
    while (claimed := probes.claim(scene.context, "worker")) is not None:
        probes.finish(scene.context, claimed, ANSWER)
    assert scene.state(key) == "succeeded"
    with pytest.raises(Conflict, match="nothing to retry"):
        retrying.retry(scene.context, key)


def test_events_tell_what_runs_that_ended_were_for(scene: Scene) -> None:
    key = tuned(scene)
    work(scene)
    ended = told(scene, key, "runs")
    counted = {purpose: sum(e["count"] for e in ended if e["purpose"] == purpose) for purpose in ("tuning", "report")}
    assert counted == {"tuning": 18, "report": 4}


def test_a_cancelled_experiment_counts_no_probe_of_runs_that_choose(scene: Scene) -> None:
    key = tuned(scene, probes=PROBES, lengths=[2])
    work(scene, rounds=1)
    claimed = scene.claim()
    experiments.cancel(scene.context, key)
    end(scene, claimed)
    assert scene.state(key) == "cancelled"


def test_more_repeats_are_trained_by_the_chosen_setting(scene: Scene) -> None:
    key = tuned(scene)
    work(scene)
    view, done = extend(scene.context, key, Extension(repeats=3))
    assert (done.added, view.row.state) == (6, "queued")
    work(scene)
    document = results.results_document(scene.context, key)
    assert [entry["runs"]["total"] for entry in document["conditions"]] == [5, 5]
    assert scene.state(key) == "succeeded"


def test_more_epochs_would_need_another_choice(scene: Scene) -> None:
    key = tuned(scene)
    work(scene)
    with pytest.raises(Conflict, match="has chosen its settings by runs of as many epochs"):
        extend(scene.context, key, Extension(epochs=3))


def test_a_search_begins_once_its_setting_is_chosen(scene: Scene) -> None:
    training = {**TRAINING, "tuning": {"repeats": 2, "length": 20}}
    lengths = {"search": {"low": 2, "high": 200}}
    key = tuned(scene, training=training, lengths=lengths, repeats=10)
    work(scene)
    rows = stored(scene, key)
    assert [row.round for row in rows[:6]] == [0] * 6
    assert {row.round for row in rows[6:]} == set(range(1, max(row.round for row in rows) + 1))
    document = results.results_document(scene.context, key)
    assert document["searches"][0]["rounds"] == max(row.round for row in rows)
    assert document["searches"][0]["runs"] == len(rows) - 6
    assert scene.state(key) == "succeeded"


def test_a_tuned_experiment_is_deleted_whole(scene: Scene) -> None:
    key = tuned(scene)
    work(scene)
    experiments.delete(scene.context, key, dry_run=False)
    assert stored(scene, key) == []
