"""Whole experiments in this process, as a notebook runs them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

import memspan
from memspan.engine.events import Finished
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.experiment.checkpoint import packed, predictor, unpacked
from memspan.experiment.grid import conditions
from memspan.experiment.probing import ask
from memspan.experiment.run import parse
from memspan.experiment.table import PROBE_COLUMNS, Results
from memspan.figures.catalogue import FIGURES
from memspan.interfaces.json_numbers import jsonable
from memspan.interfaces.readings import Scalars
from memspan.probes import probe
from memspan.probes.change import Change

BODY: dict[str, Any] = {
    "tasks": [{"kind": "first_last"}, {"kind": "latch"}],
    "models": [{"kind": "lstm", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 8}, {"kind": "mlp"}],
    "lengths": [3, 6],
    "training": {"batch_size": 8, "epochs": 2, "train_size": 20, "validation_size": 10, "test_size": 30},
    "repeats": 9,
    "probes": [{"kind": "change", "index": -1, "sequences": 50}],
    "report": {"checkpoint": "best"},
}


@pytest.fixture(scope="module")
def seen() -> list[tuple[float, float]]:
    return []


@pytest.fixture(scope="module")
def results(seen: list[tuple[float, float]]) -> Results:
    return memspan.run(BODY, progress=lambda done, total: seen.append((done, total)))


def test_progress_climbs_to_the_number_of_epochs_of_all_runs(results: Results, seen: list[tuple[float, float]]) -> None:
    assert {total for _, total in seen} == {12.0 * 9 * 2}
    done = [done for done, _ in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1][1]
    assert len(seen) >= 2 * 12


def test_every_run_is_there_once_with_all_its_metrics(results: Results) -> None:
    assert {(row.condition, row.repeat) for row in results.rows} == {(c, r) for c in range(12) for r in range(9)}
    assert len(results.rows) == 12 * 9
    names = {f"{split}_{name}" for split in ("train", "validation", "test") for name in ("loss", "accuracy")}
    assert set(results.rows[-1].metrics) == names
    assert set(results.rows[0].metrics) == {name for name in names if name.endswith("loss")}


def test_runs_are_those_that_the_engine_trains(results: Results) -> None:
    condition = conditions(results.spec)[1]
    outcome = next(e for e in Trainer(place(condition), (4,)).events() if isinstance(e, Finished)).outcomes[4]
    (row,) = [row for row in results.rows if (row.condition, row.repeat) == (1, 4)]
    assert dict(row.metrics) == dict(outcome.metrics)


def test_a_second_run_gives_the_same_document_but_for_the_clock(results: Results) -> None:
    def timeless(document: Any) -> Any:
        return [{**c, "seconds_per_epoch": None} for c in document["conditions"]], document["probes"], document["spans"]

    assert repr(timeless(memspan.run(json.dumps(BODY)).document)) == repr(timeless(results.document))


def test_the_callers_threads_and_arithmetic_are_put_back(results: Results) -> None:
    before = torch.get_num_threads()
    memspan.run({**BODY, "repeats": 1, "lengths": [3], "probes": []}, threads=before + 1)
    assert torch.get_num_threads() == before


def test_probes_are_asked_of_every_condition(results: Results) -> None:
    entries = results.document["probes"]
    assert len(entries) == 12
    assert {entry["n"] for entry in entries} == {9}
    assert [(e["task"]["kind"], e["model"]["kind"], e["length"]) for e in entries[:2]] == [
        ("first_last", "lstm", 3), ("first_last", "lstm", 6)
    ]  # fmt: skip


def test_the_tables_have_a_row_for_each_condition_span_probe_and_run(results: Results) -> None:
    assert [len(t) for t in (results.conditions, results.spans, results.probes, results.runs)] == [12, 6, 12, 108]
    assert results.conditions.columns[:4] == ("task", "model", "length", "metric")
    assert {row["metric"] for row in results.conditions} == {"test_loss", "test_accuracy"}
    assert [row["model"] for row in results.conditions][:5:2] == ["lstm · hidden size 1", "lstm · hidden size 8", "mlp"]
    assert results.probes[0]["index"] == -1
    assert results.probes[0]["name"] == "median_change"
    assert {row["repeat"] for row in results.runs} == set(range(9))


def test_tables_show_themselves_as_text_and_html(results: Results) -> None:
    text, page = repr(results), results._repr_html_()
    assert len(text.splitlines()) == (12 + 1) + 1 + (6 + 1) + 1 + (12 + 1)
    assert "median_change" in text
    assert page.count("<table>") == 3
    assert page.count("<tr>") == 13 + 7 + 13


def test_html_of_a_table_is_escaped() -> None:
    from memspan.experiment.table import Table

    page = Table([{"<b>": "<script>", "none": None, "third": 1 / 3}])._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "–" in page
    assert "0.3333" in page
    assert repr(Table([])) == ""
    assert len(Table([])) == 0


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in ("landscape", "tuning", "by_lag")])
def test_every_figure_of_them_shows_their_numbers(results: Results, name: str) -> None:
    assert drawn_rows(results.figure(name).to_dict())


def drawn_rows(chart: Any) -> list[Any]:
    """All rows of data of a Vega-Lite chart, wherever they lie in it."""
    if isinstance(chart, list):
        return [row for each in chart for row in drawn_rows(each)]
    if not isinstance(chart, dict):
        return []
    own = [chart] if "model" in chart or "z" in chart else []
    return own + [row for each in chart.values() for row in drawn_rows(each)]


def test_learning_curves_are_means_over_the_repeats_of_a_condition(results: Results) -> None:
    rows = drawn_rows(results.figure("learning").to_dict())
    latch = conditions(results.spec)[-1]
    ends = [results.epochs[11, repeat]["validation_accuracy"][-1] for repeat in range(9)]
    (point,) = [row for row in rows if (row["model"], row["length"], row["epoch"]) == ("mlp", latch.length, 2)
                and row["mean"] == pytest.approx(sum(ends) / 9)]  # fmt: skip
    assert point["low"] <= point["mean"] <= point["high"]
    assert point["n"] == 9


def test_a_landscape_is_drawn_from_the_surface_in_the_document() -> None:
    probes = [{"kind": "landscape", "points": 3, "sequences": 4}]
    small = {**BODY, "tasks": BODY["tasks"][1:], "models": BODY["models"][:1], "lengths": [3], "repeats": 1}
    assert len(drawn_rows(memspan.run({**small, "probes": probes}).figure("landscape").to_dict())) == 9


@pytest.mark.parametrize("kind", [spec.model_fields["kind"].default for spec in probe.specs()])
def test_every_field_in_which_a_probe_was_asked_otherwise_is_a_column(kind: str) -> None:
    default = probe.spec(kind)()
    fields = {name: schema for name, schema in default.model_json_schema()["properties"].items() if name != "kind"}
    changed = {name: varied(getattr(default, name), schema) for name, schema in fields.items()}
    asked = default.model_copy(update=changed)
    spec = parse({**BODY, "probes": []}).model_copy(update={"probes": (asked,)})
    condition = conditions(spec)[0]
    entry = {
        "kind": kind,
        "spec": asked.model_dump(mode="json"),
        "task": condition.task.model_dump(mode="json"),
        "model": condition.model.model_dump(mode="json"),
        "length": condition.length,
        "result": Scalars({"found": 0.5}, {"found": 0.4}, {"found": 0.6}, 9, {"found": "1"}).document(),
    }
    (row,) = Results(spec, {"probes": [entry]}, ()).probes
    columns = {name: f"{kind}_{name}" if name in PROBE_COLUMNS else name for name in changed}
    assert {name: row[column] for name, column in columns.items()} == {name: entry["spec"][name] for name in changed}
    assert (row["name"], row["value"], row["n"], row["length"]) == ("found", 0.5, 9, condition.length)


def varied(value: Any, schema: Any) -> Any:
    """Another value than a field's default, of a type that it may have."""
    if isinstance(value, str) or "'type': 'string'" in str(schema):
        return f"not {value}"
    if isinstance(value, tuple):
        return (*value, 1)
    return not value if isinstance(value, bool) else (value or 0) + 1


def test_a_probe_that_was_asked_as_it_comes_shows_the_time_steps_it_names_only(results: Results) -> None:
    assert results.probes.columns == (
        "task", "model", "length", "probe", "index", "sequences", "name", "value", "low", "high", "n"
    )  # fmt: skip


def test_the_document_is_json(results: Results) -> None:
    json.dumps(jsonable(results.document), allow_nan=False)


def test_checkpoints_travel_as_bytes_named_by_their_content() -> None:
    condition = conditions(memspan.ExperimentSpec.model_validate_json(json.dumps(BODY), strict=True))[2]
    outcome = next(e for e in Trainer(place(condition), (0, 1)).events() if isinstance(e, Finished)).outcomes
    stored = packed(outcome[0].best)
    assert stored == packed(dict(reversed(outcome[0].best.items())))
    assert stored.sha256 != packed(outcome[1].best).sha256
    back = unpacked(stored.data)
    assert all(torch.equal(back[name], weight) for name, weight in outcome[0].best.items())
    inputs = torch.randn(4, 3, 1, generator=torch.Generator().manual_seed(1))
    both = predictor(condition, [stored.data, packed(outcome[1].best).data])(inputs)
    assert both.shape == (2, 4, 1)
    assert torch.allclose(both[:1], predictor(condition, [stored.data])(inputs), atol=1e-6)


def test_a_probe_asks_the_same_whoever_asks_and_all_models_alike() -> None:
    grid = conditions(memspan.ExperimentSpec.model_validate_json(json.dumps(BODY), strict=True))
    data = [
        packed(next(e for e in Trainer(place(c), (0,)).events() if isinstance(e, Finished)).outcomes[0].last).data
        for c in grid[:1]
    ]
    once, again = ask(Change(sequences=30), grid[0], data), ask(Change(sequences=30), grid[0], data)
    assert once == again
