"""Results of stored experiments."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from memspan.experiment.results import document
from memspan.interfaces.json_numbers import jsonable
from memspan.interfaces.readings import Curve, Reading, Surface
from service.operations import evidence, figures, finish_runs, probes, results
from service.operations.specs import spec_of
from service.storage import experiments, metrics
from service.storage.states import Reason, RunState
from tests.scenes import Scene, outcome


def test_failed_runs_are_told_by_their_reasons_the_most_frequent_first(scene: Scene) -> None:
    key = scene.submit(lengths=[2, 3, 4], repeats=1)
    for reason, detail in ((Reason.ERROR, "first"), (Reason.TIMEOUT, "late"), (Reason.TIMEOUT, "late")):
        finish_runs.end(scene.context, scene.claim(), RunState.FAILED, reason, detail)
    assert results.results_document(scene.context, key)["failures"] == [
        {"reason": "timeout", "detail": "late", "count": 2},
        {"reason": "error", "detail": "first", "count": 1},
    ]


def test_an_experiment_without_failures_names_none(scene: Scene) -> None:
    key = scene.submit()
    assert results.results_document(scene.context, key)["failures"] == []
    scene.finish_all()
    assert results.results_document(scene.context, key)["failures"] == []


@pytest.mark.parametrize("together", [1, 3, 100])
def test_however_many_runs_are_read_together_results_and_curves_are_those_of_all_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """Two repeats of each condition, trained in the order of the grid, the last one failed."""
    monkeypatch.setattr(evidence, "ROWS_AT_ONCE", together)
    monkeypatch.setattr(metrics, "READ_AT_ONCE", together)
    key = scene.submit(lengths=[2, 3, 4, 5])
    claimed = [scene.claim() for _ in range(4)]
    for work in claimed[:3]:
        finish_runs.finish(
            scene.context, work,
            {repeat: replace(outcome(), metrics={"test_accuracy": run / 100}) for repeat, run in work.runs.items()},
            1.0,
            {repeat: [(at, {"validation_loss": run / at}) for at in (1, 2)] for repeat, run in work.runs.items()},
            "torch",
        )  # fmt: skip
    finish_runs.end(scene.context, claimed[3], RunState.FAILED, Reason.ERROR, "It broke.")
    with scene.context.database.reading() as connection:
        rows = evidence.run_rows(connection, key)
        spec = spec_of(experiments.get(connection, key))
    whole = document(spec, rows)
    found = results.results_document(scene.context, key)
    for part in ("conditions", "spans", "searches", "baselines"):
        assert json.dumps(found[part]) == json.dumps(jsonable(whole[part]))
    runs = {work.condition.length: sorted(work.runs.values()) for work in claimed[:3]}
    curves = {curve["length"]: curve["mean"] for curve in results.learning(scene.context, key)}
    assert curves == {length: [sum(own) / 2, sum(own) / 4] for length, own in runs.items()}


SURFACE = Surface((0.0, 1.0), (0.0, 1.0), ((1.0, 2.0), (3.0, float("nan"))), 32, "w", "b", "loss", {"lowest": 1.0})


def asked(scene: Scene, reading: Reading) -> int:
    """An experiment whose only condition was asked for its landscape, with that answer; its key."""
    key = scene.submit(probes=[{"kind": "landscape"}])
    scene.finish_all()
    work = probes.claim(scene.context, "worker")
    assert work is not None
    probes.finish(scene.context, work, reading)
    return key


def test_results_give_a_surface_by_a_link_and_what_it_comes_to(scene: Scene) -> None:
    (probe,) = results.results_document(scene.context, asked(scene, SURFACE))["probes"]
    assert probe["n"] == 1  # of two repeats
    assert probe["result"] == {
        "kind": "surface",
        "n": 32,
        "x_label": "w",
        "y_label": "b",
        "z_label": "loss",
        "scores": {"lowest": 1.0},
        "link": f"/probes/{probe['id']}",
    }


def test_the_link_leads_to_the_whole_surface_with_its_numbers_that_are_not_finite(scene: Scene) -> None:
    asked(scene, SURFACE)
    (row,) = probes.listing(scene.context, None, 10, None, None, "landscape")
    assert row.result["z"] == [[1.0, 2.0], [3.0, "NaN"]]


def test_the_figure_of_landscapes_draws_the_whole_surface(scene: Scene) -> None:
    written = json.loads(figures.draw_spec(scene.context, asked(scene, SURFACE), "landscape", "light"))
    assert len(written["data"]["values"]) == 3


def test_the_results_of_a_landscape_along_one_axis_are_a_curve_inline(scene: Scene) -> None:
    curve = Curve((0.0, 1.0), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0), 32, "w", "loss", "1", "nats")
    (probe,) = results.results_document(scene.context, asked(scene, curve))["probes"]
    assert probe["result"]["y"] == [1.0, 2.0]
