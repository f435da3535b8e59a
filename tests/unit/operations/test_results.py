"""Results of stored experiments."""

from __future__ import annotations

from service.operations import ending, results
from service.storage.states import Reason, RunState
from tests.scenes import Scene


def test_failed_runs_are_told_by_their_reasons_the_most_frequent_first(scene: Scene) -> None:
    key = scene.submit(lengths=[2, 3, 4], repeats=1)
    for reason, detail in ((Reason.ERROR, "first"), (Reason.TIMEOUT, "late"), (Reason.TIMEOUT, "late")):
        ending.end(scene.context, scene.claim(), RunState.FAILED, reason, detail)
    assert results.results_document(scene.context, key)["failures"] == [
        {"reason": "timeout", "detail": "late", "count": 2},
        {"reason": "error", "detail": "first", "count": 1},
    ]


def test_an_experiment_without_failures_names_none(scene: Scene) -> None:
    key = scene.submit()
    assert results.results_document(scene.context, key)["failures"] == []
    scene.finish_all()
    assert results.results_document(scene.context, key)["failures"] == []
