"""Studies in the service: started as a whole, judged by stored rows, the same numbers as in a notebook."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from memspan.experiment.fleet import Fleet
from memspan.interfaces.json_numbers import jsonable
from memspan.run_study import run_study
from service.errors import NotFound, Unprocessable
from service.operations import catalogue, experiments, results, studies, verdicts
from service.operations.group_status import state_of
from service.storage.database import Database
from tests.scenes import Scene, context_over
from tests.tiny_study import VERDICTS, TinyStudy
from tests.tiny_study import experiments as asked
from tests.tiny_study import verdicts as certain
from workers.beat import Beat
from workers.identity import identify
from workers.loop import Loop

QUEUES = ("cpu", "probe")
THREADS = 6

pytestmark = pytest.mark.usefixtures("tiny_study")


def start(scene: Scene, key: str | None = None, **fields: Any) -> studies.Started:
    return studies.start(scene.context, TinyStudy(**fields), key)


def work(scene: Scene) -> None:
    """Do all that waits, as a local worker would."""
    identity = identify(QUEUES, 2**34)
    Loop(scene.context, identity, Beat(scene.context, identity), lambda: False).work(QUEUES)


def look(scene: Scene, group: int | None = None) -> dict[str, Any]:
    return studies.look(scene.context, "tiny_study", group)


def count(scene: Scene) -> int:
    with scene.context.database.reading() as connection:
        return len(experiments.experiments.page(connection, experiments.Filter(study="tiny_study"), None, 500))


def test_a_study_is_started_as_a_whole(scene: Scene) -> None:
    started = start(scene, seed=7)
    first, second = (view.row for view in started.views)
    assert (first.study_part, second.study_part) == ("short", "last step")
    assert {row.study_group for row in (first, second)} == {first.key} == {started.group}
    assert {(row.study, row.study_scale, row.spec["seed"]) for row in (first, second)} == {("tiny_study", "quick", 7)}
    assert set(scene.context.bell.rung) == {"cpu", "gpu"}
    assert experiments.membership(second) == {
        "kind": "tiny_study", "scale": "quick", "part": "last step", "group": f"group-{first.key}",
    }  # fmt: skip


def test_a_study_that_can_not_be_started_as_a_whole_leaves_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(spec: TinyStudy) -> Any:
        short, last = asked(spec).values()
        return {"short": short, "last step": last.model_copy(update={"device": "gpu"})}

    monkeypatch.setitem(catalogue.FAMILIES["study"]._verbs, "tiny_study", greedy)
    with pytest.raises(Unprocessable, match="No GPU worker"):
        start(scene)
    assert count(scene) == 0


def test_one_key_from_many_threads_starts_it_once(scene: Scene, database_url: str) -> None:
    def one(number: int) -> int:
        database = Database(database_url)
        found = studies.start(context_over(database), TinyStudy(), "the key")
        database.close()
        assert [view.row.study_part for view in found.views] == ["short", "last step"]
        return found.group

    with ThreadPoolExecutor(THREADS) as pool:
        groups = set(pool.map(one, range(THREADS)))
    assert (len(groups), count(scene)) == (1, 2)


def test_a_key_belongs_to_one_scale_and_seed_of_one_study(scene: Scene) -> None:
    start(scene, "the key")
    for other in ({"scale": "full"}, {"seed": 1}):
        with pytest.raises(Unprocessable):
            start(scene, "the key", **other)
    with pytest.raises(Unprocessable):
        experiments.submit(scene.context, asked(TinyStudy())["short"], "the key")
    assert count(scene) == 2


def test_before_it_was_ever_run_every_claim_is_open(scene: Scene) -> None:
    told = look(scene)
    assert {(claim["verdict"], claim["reason"]) for claim in told["claims"]} == {("pending", "Not run yet.")}
    assert (told["group"], told["state"], told["experiments"], told["parts"], told["groups"]) == (
        None,
        None,
        [],
        [],
        [],
    )


def test_a_claim_waits_for_the_runs_that_it_is_about(scene: Scene) -> None:
    start(scene)
    while (claimed := scene.try_claim()) is not None:
        if claimed.condition.length != 3:
            scene.finish(claimed)
    told = {claim["id"]: claim for claim in look(scene)["claims"]}
    assert told["loss"]["measured"] == 0.125
    assert told["probe"]["verdict"] == "pending"
    assert look(scene)["state"] == "running"


def test_what_is_stored_is_judged_as_in_a_notebook(scene: Scene) -> None:
    start(scene)
    work(scene)
    told = look(scene)
    assert (told["state"], told["progress"]["completed"], told["eta_seconds"]) == ("succeeded", 30, None)
    assert certain(told["claims"]) == VERDICTS
    assert [part["answers"] for part in told["parts"]] == [[], ["scalars"]]
    here = jsonable(run_study(TinyStudy(), asked(TinyStudy())).document["claims"])
    timed = "seconds"
    assert [c for c in told["claims"] if c["id"] != timed] == [c for c in here if c["id"] != timed]


def test_the_results_of_its_experiments_carry_the_claims(scene: Scene) -> None:
    started, alone = start(scene), scene.submit()
    work(scene)
    told = look(scene)
    for view in started.views:
        document = results.results_document(scene.context, view.row.key)
        assert document["claims"] == told["claims"]
        assert document["experiment"]["study"]["group"] == told["group"]
    assert results.results_document(scene.context, alone)["claims"] == []


def test_the_newest_start_is_shown_and_older_ones_can_be_looked_at(scene: Scene) -> None:
    old, new = start(scene), start(scene, scale="full")
    assert (look(scene)["group"], look(scene)["scale"]) == (f"group-{new.group}", "full")
    assert [part["name"] for part in look(scene)["parts"]] == ["short", "last step", "long"]
    assert look(scene, old.group)["scale"] == "quick"
    assert [each["id"] for each in look(scene)["groups"]] == [f"group-{new.group}", f"group-{old.group}"]
    (listed,) = studies.listing(scene.context)
    assert listed.items() <= look(scene).items()


def test_a_group_that_is_not_there_is_not_found(scene: Scene) -> None:
    alone = scene.submit()
    for group in (alone, 999):
        with pytest.raises(NotFound, match=f"never run as group-{group}"):
            look(scene, group)
    with pytest.raises(NotFound, match="no study of kind 'nope'"):
        studies.look(scene.context, "nope", None)


def test_what_was_deleted_is_not_measured_any_more(scene: Scene) -> None:
    first, second = (view.row.key for view in start(scene).views)
    work(scene)
    before = results.judged_version(scene.context, second)
    experiments.delete(scene.context, first, dry_run=False)
    told = {claim["id"]: claim for claim in look(scene)["claims"]}
    assert told["loss"]["reason"] == "The experiment 'short' is not part of the quick scale, or was deleted."
    assert told["probe"]["verdict"] == "supported"
    assert results.judged_version(scene.context, second) != before
    experiments.delete(scene.context, second, dry_run=False)
    assert look(scene)["group"] is None


def test_claims_are_judged_once_for_each_state_of_the_rows(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = []
    real = verdicts.judged
    monkeypatch.setattr(verdicts, "judged", lambda *given: asks.append(given) or real(*given))
    key = start(scene).views[0].row.key
    for _ in range(3):
        look(scene)
        results.results(scene.context, key)
    assert len(asks) == 1
    work(scene)
    for _ in range(3):
        look(scene)
        results.results(scene.context, key)
    assert len(asks) == 2


def test_results_change_their_version_with_the_others_of_the_study(scene: Scene) -> None:
    first, second = (view.row.key for view in start(scene).views)
    alone = scene.submit(priority=-1)
    before = [results.judged_version(scene.context, key) for key in (first, second, alone)]
    experiments.pause(scene.context, second)
    after = [results.judged_version(scene.context, key) for key in (first, second, alone)]
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, True, False]
    assert results.version(scene.context, first) == results.version(scene.context, first)


def test_progress_and_what_is_left_are_those_of_all_experiments(scene: Scene) -> None:
    start(scene)
    assert look(scene)["progress"] == {"completed": 0, "total": 30, "unit": "epochs"}
    assert look(scene)["eta_seconds"] is None
    scene.finish(scene.claim())
    told = look(scene)
    assert (told["state"], told["progress"]["completed"]) == ("running", 6)
    assert told["eta_seconds"] >= 0


def test_plans_are_of_every_experiment_and_of_all(scene: Scene) -> None:
    told = studies.plans(TinyStudy(scale="full"), Fleet(workers=2))
    assert [item["name"] for item in told["items"]] == ["short", "last step", "long"]
    assert (told["conditions"], told["runs"]) == (6, 18)
    alone = [item["estimated_seconds"] for item in told["items"]]
    assert max(alone) <= told["estimated_seconds"] <= sum(alone)  # they share the workers
    assert count(scene) == 0


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        (["queued", "queued"], "queued"),
        (["queued", "running"], "running"),
        (["succeeded", "queued"], "running"),
        (["succeeded", "paused"], "paused"),
        (["paused", "queued"], "running"),
        (["succeeded", "succeeded"], "succeeded"),
        (["failed", "failed"], "failed"),
        (["succeeded", "failed"], "partial"),
        (["succeeded", "partial"], "partial"),
        (["failed", "cancelled"], "cancelled"),
    ],
)
def test_experiments_have_a_state_together(states: list[str], whole: str) -> None:
    assert state_of(states) == whole
