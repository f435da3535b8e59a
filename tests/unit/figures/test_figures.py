"""Every figure over every form of results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from memspan.claims import markdown
from memspan.figures.catalogue import FIGURES, draw
from memspan.figures.number_axis import in_order, number_axis
from memspan.figures.render import render, spec
from tests.unit.figures.document import FIRST_LAST, LATCH, LENGTHS, LSTM, document, empty, with_lags

ACCURACY_AND_LOSS = (LATCH, FIRST_LAST)
FORMS = {
    "one task": document(),
    "two tasks": document(ACCURACY_AND_LOSS),
    "no length": document(lengths=(None,)),
    "one length": document(lengths=(7,)),
    "nothing finished": empty(),
    "lags": with_lags(document(ACCURACY_AND_LOSS)),
    "lags of a task without lengths": with_lags(document(lengths=(None,))),
}


def rows(name: str, results: dict[str, Any]) -> list[dict[str, Any]]:
    """All data of a figure."""
    written = spec(draw(name, results), "light")
    return [row for data in _find(written, "values") if data and isinstance(data[0], dict) for row in data]


def _find(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from ([value[key]] if key in value else [])
        for inner in value.values():
            yield from _find(inner, key)
    if isinstance(value, list):
        for inner in value:
            yield from _find(inner, key)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_valid_vega_lite_with_inline_data(name: str, form: str) -> None:
    figure = draw(name, FORMS[form])
    figure.to_dict(validate=True)
    written = spec(figure, "dark")
    assert not list(_find(written, "url"))
    assert json.dumps(written, allow_nan=False).count("http") == 1  # its schema's name


@pytest.mark.parametrize("name", FIGURES)
def test_an_empty_figure_says_why(name: str) -> None:
    (row,) = rows(name, empty())
    assert row["text"].endswith(".")


@pytest.mark.parametrize("name", FIGURES)
def test_numbers_that_are_not_finite_are_left_out(name: str) -> None:
    words = {"0.6": "NaN", "20.0": "Infinity"}
    figure = draw(name, json.loads(json.dumps(document()), parse_float=lambda text: words.get(text, float(text))))
    figure.to_dict(validate=True)
    assert "NaN" not in json.dumps(spec(figure, "light"))
    assert "Infinity" not in json.dumps(spec(figure, "light"))


def test_a_condition_without_a_finite_mean_is_no_point() -> None:
    results = document()
    results["conditions"][0]["metrics"]["test_accuracy"] |= {"mean": "NaN", "low": "NaN", "high": "NaN", "n": 0}
    drawn = [row for row in rows("score", results) if row.get("model") == "rnn"]
    assert {row["length"] for row in drawn} == {10, 50}


def test_models_keep_their_colour_in_every_figure() -> None:
    domains = {
        json.dumps(colour["scale"]["domain"])
        for name in FIGURES
        for colour in _find(spec(draw(name, document()), "light"), "color")
        if isinstance(colour, dict) and "scale" in colour
    }
    assert domains == {json.dumps(["rnn", "lstm · keras", "lstm · chrono"])}


def test_equal_baselines_share_one_name() -> None:
    names = {row["name"] for row in rows("score", document()) if "name" in row}
    assert names == {"chance, random guessing", "integrator"}


def test_a_baseline_by_length_is_drawn_as_a_line_that_is_named_at_its_end() -> None:
    results = document()
    for length, value in ((2, 0.99), (50, 0.9)):
        bent = {"task": LATCH, "name": "ideal", "metric": "test_accuracy", "value": value, "length": length}
        results["baselines"].append(bent)
    drawn = [(row["length"], row["value"]) for row in rows("score", results) if row.get("name") == "ideal"]
    assert drawn == [(2, 0.99), (50, 0.9), (50, 0.9)]


def test_while_runs_are_missing_the_axis_of_scores_has_all_lengths() -> None:
    """Baselines by length would be drawn far beyond an axis of the few lengths that have finished."""
    form = document()
    for condition in form["conditions"]:
        condition["metrics"] = condition["metrics"] if condition["length"] == LENGTHS[-1] else {}
    written = spec(draw("score", form), "light")
    low, high = next(axis["scale"]["domain"] for axis in _find(written, "x") if axis.get("field") == "length")
    assert low <= LENGTHS[0] < LENGTHS[-1] <= high


def test_a_loss_is_drawn_on_a_logarithmic_axis() -> None:
    scales = [y["scale"] for y in _find(spec(draw("score", document((FIRST_LAST,))), "light"), "y") if "scale" in y]
    assert scales
    assert all(scale["type"] == "log" for scale in scales)


def test_a_span_beyond_the_grid_says_so() -> None:
    notes = {row["model"]: row["note"] for row in rows("span", document()) if "note" in row}
    assert notes["lstm · chrono"].startswith("▶")
    assert notes["rnn"] == ""


def test_a_span_fits_on_the_axis_of_tested_lengths() -> None:
    axes = [x for x in _find(spec(draw("span", document()), "light"), "x") if x.get("field") == "span"]
    low, high = axes[0]["scale"]["domain"]
    assert low < min(LENGTHS)
    assert max(LENGTHS) < high


def test_probes_of_one_kind_with_other_specs_have_their_own_panels() -> None:
    results = document()
    results["probes"] = [entry for entry in results["probes"] if entry["kind"] == "change"]
    more = deepcopy(results["probes"])
    for entry in more:
        entry["spec"]["index"] = -1
    results["probes"] += more
    titles = [panel["title"]["text"] for panel in spec(draw("probe", results), "light")["concat"]]
    assert titles == ["change · index 0", "change · index -1"]


def test_probes_of_best_and_last_weights_have_their_own_panels() -> None:
    results = document()
    results["probes"] = [{**entry, "checkpoint": "last"} for entry in results["probes"] if entry["kind"] == "change"]
    results["probes"] += [{**entry, "checkpoint": "best"} for entry in results["probes"]]
    titles = [panel["title"]["text"] for panel in spec(draw("probe", results), "light")["concat"]]
    assert [title.rpartition(" · ")[2] for title in titles] == ["last weights", "best weights"]


def test_a_curve_says_what_it_comes_to() -> None:
    said = [row for row in rows("probe", document()) if "score" in row]
    assert {row["score"] for row in said} == {"auc 0.97"}
    assert {row["model"] for row in said} == {"rnn", "lstm · keras", "lstm · chrono"}
    unknown = json.loads(json.dumps(document()).replace('"auc": 0.97', '"auc": "NaN"'))
    assert not [row for row in rows("probe", unknown) if "score" in row]


def _curves(**numbers: Any) -> dict[str, Any]:
    """Results whose only probe has a curve with some numbers of its own."""
    results = document()
    results["probes"] = [deepcopy(entry) for entry in results["probes"] if entry["result"]["kind"] == "curve"]
    for entry in results["probes"]:
        entry["result"].update(numbers)
    return results


@pytest.mark.parametrize(
    ("y", "baseline", "kind"),
    [
        ([1.0, 1e-3, 1e-30], None, "log"), ([1.0, 0.5, 0.1], None, None), ([1.0, 1e-5, 0.0], None, None),
        ([1.0, 1e-5, 1e-6], 0.0, None), ([1.0, -1e-5, 1e-6], None, None), ([1.0, 0.9, 0.8], 1e-4, "log"),
    ],
)  # fmt: skip
def test_a_curve_that_falls_through_decades_is_drawn_on_a_logarithmic_axis(
    y: list[float], baseline: float | None, kind: str | None
) -> None:
    results = _curves(y=y, low=[value / 2 - 1e-9 for value in y], high=[2 * value for value in y], baseline=baseline)
    written = spec(draw("probe", results), "light")
    scales = [each["scale"] for each in _find(written, "y") if each.get("field") == "mean"]
    assert scales
    assert {scale.get("type") for scale in scales} == {kind}
    if kind == "log":
        foot = scales[0]["domain"][0]
        drawn = [row for row in rows("probe", results) if "mean" in row]
        assert min(row[name] for row in drawn for name in ("low", "mean", "high")) >= foot > 1e-14


def test_an_unfinished_probe_is_not_drawn() -> None:
    results = document()
    for entry in results["probes"]:
        entry |= {"state": "queued", "result": None}
    assert "text" in rows("probe", results)[0]


def test_many_lengths_of_learning_are_thinned_to_a_few_panels() -> None:
    panels = spec(draw("learning", document(lengths=tuple(range(2, 30)))), "light")["concat"]
    assert [panel["title"]["text"] for panel in (panels[0], panels[-1])] == ["latch, length 2", "latch, length 29"]
    assert len(panels) == 4


def test_two_models_of_one_kind_have_two_labels() -> None:
    assert {row["model"] for row in rows("score", document()) if "model" in row} >= {"lstm · keras", "lstm · chrono"}


def test_themes_differ_in_colour_only() -> None:
    light, dark = (spec(draw("score", document()), theme) for theme in ("light", "dark"))
    assert light.pop("config") != dark.pop("config")
    assert light == dark


@pytest.mark.parametrize(("form", "magic"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF-")])
def test_a_figure_becomes_a_file_without_a_browser(form: Any, magic: bytes) -> None:
    assert render(draw("span", document()), form).startswith(magic)


def test_an_svg_says_the_models_names() -> None:
    assert "lstm · chrono" in render(draw("span", document()), "svg").decode()


def test_a_name_is_drawn_as_text_not_as_markup() -> None:
    results = document()
    evil = {**LSTM, "kind": "<script>alert(1)</script>"}
    results["spans"].append({**results["spans"][0], "model": evil})
    assert "<script>" not in render(draw("span", results), "svg").decode()


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(KeyError):
        draw("pie", document())


def test_an_unknown_figure_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(KeyError, match=r"There is no figure 'nope'\. Known are score, "):
        draw("nope", document())


def test_a_span_by_budget_points_beyond_the_tested_lengths_where_it_lies_there() -> None:
    written = spec(draw("budget", document()), "light")
    shapes = {mark["shape"] for mark in _find(written, "mark") if isinstance(mark, dict) and "shape" in mark}
    assert shapes == {"triangle-up", "triangle-down"}
    told = {row["written"] for row in rows("budget", document()) if row["model"] == "lstm · chrono"}
    assert told == {"< 2", "20 (15 to 20)", "> 50 (45 to > 50)"}
    assert {row["steps"] for row in rows("budget", document())} == {500, 1000, 1500}


@pytest.mark.parametrize("name", ["score", "success", "span"])
def test_figures_of_what_was_learnt_say_by_which_training(name: str) -> None:
    assert "After 2,500 steps of Adam at 0.001" in json.dumps(spec(draw(name, document()), "light"))


def test_a_span_of_one_repeat_is_a_dot_without_an_interval() -> None:
    results = document()
    results["spans"] = [span | {"low": None, "high": None} for span in results["spans"]]
    drawn = [row for row in rows("span", results) if "low" in row]
    assert drawn
    assert all(row["low"] == row["span"] == row["high"] for row in drawn)


def test_a_comparison_that_is_only_bounded_runs_to_the_edge_and_says_so() -> None:
    drawn = [row for row in rows("comparison", document()) if row.get("pair") == "rnn / lstm · chrono"]
    assert {row["note"] for row in drawn} == {"◀ or less"}
    assert min(row["low"] or 1 for row in drawn) < 0.4
    assert json.dumps(spec(draw("comparison", document()), "light")).count("Ratio of memory spans")


def test_without_lengths_scores_are_compared() -> None:
    form = document(lengths=(None,))
    form["comparisons"] = [each for each in form["comparisons"] if each["metric"] != "span"]
    assert "Ratio of scores" in json.dumps(spec(draw("comparison", form), "light"))


def widths(kinds: tuple[str, ...] = ("lstm", "gru"), sizes: tuple[int, ...] = (4, 16, 64)) -> dict[str, Any]:
    """Results of models that differ in their width alone, given from the widest down."""
    form = document()
    models = [{"kind": kind, "hidden_size": size, "dropout": 0.0} for kind in kinds for size in reversed(sizes)]
    spans = [{**form["spans"][0], "model": model} for model in models]
    spans[0] |= {"span": 50.0, "low": 40.0, "high": 50.0, "censored": "above"}
    conditions = [{**form["conditions"][0], "model": model, "length": at} for model in models for at in LENGTHS]
    return form | {"spans": spans, "conditions": conditions, "learning": [], "comparisons": [], "probes": []}


def test_spans_of_models_that_differ_in_one_number_are_drawn_against_it() -> None:
    drawn = [row for row in rows("span", widths()) if "number" in row]
    assert {(row["model"], row["number"]) for row in drawn} == {(k, n) for k in ("lstm", "gru") for n in (4, 16, 64)}
    written = json.dumps(spec(draw("span", widths()), "light"))
    assert "Memory span by hidden size" in written
    assert '"title": "Hidden size"' in written
    assert "triangle-up" in written, "a span beyond the tested lengths is an open mark"
    assert render(draw("span", widths()), "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "changes",
    [[{}, {"hidden_size": 5, "dropout": 0.1}], [{}, {"kind": "gru"}], [{}, {"hidden_size": [4, 4]}], [{}]],
    ids=str,
)
def test_spans_of_models_that_differ_in_more_than_one_number_stand_side_by_side(changes: list[dict[str, Any]]) -> None:
    form = widths(("lstm",), (4,))
    form["spans"] = [{**form["spans"][0], "model": form["spans"][0]["model"] | change} for change in changes]
    assert number_axis(form["spans"]) is None
    assert not [row for row in rows("span", form) if "number" in row]


def test_matched_models_are_drawn_against_what_they_were_to_amount_to() -> None:
    form = widths()
    goals = {4: 500, 16: 2_000, 64: 8_000}
    for entry in form["spans"]:
        size = entry["model"]["hidden_size"]
        grown = size + (entry["model"]["kind"] == "gru")  # widths of another kind are others
        entry["model"] = entry["model"] | {"hidden_size": grown, "match": {"parameters": goals[size]}}
    axis = number_axis(form["spans"])
    assert axis is not None
    assert (axis.name, axis.title, axis.lines) == ("match.parameters", "Parameters", ["lstm", "gru"])
    assert {place.number for place in axis.places} == set(goals.values())
    assert [axis.words(entry) for entry in in_order(form["spans"], axis)] == 2 * ["500", "2,000", "8,000"]


def test_rates_of_learning_are_an_axis_where_the_models_are_the_same() -> None:
    form = widths(("lstm",))
    for rate, entry in zip((0.01, 0.003, 0.001), form["spans"], strict=True):
        entry["budget"] = entry["budget"] | {"learning_rate": rate}
    axis = number_axis(form["spans"])
    assert axis is not None
    assert axis.name == "hidden_size", "a rate that was chosen for each model is no axis"
    for entry in form["spans"]:
        entry["model"] = form["spans"][0]["model"]
    axis = number_axis(form["spans"])
    assert axis is not None
    assert (axis.title, [place.number for place in axis.places]) == ("Learning rate", [0.01, 0.003, 0.001])


def test_numbers_that_lie_near_each_other_have_a_plain_axis() -> None:
    scales = [
        x["scale"]
        for x in _find(spec(draw("span", widths(sizes=(1, 2, 3))), "light"), "x")
        if "number" in str(x.get("field"))
    ]
    assert scales
    assert all(scale.get("type") != "log" for scale in scales)


def test_tables_follow_the_axis_of_the_span() -> None:
    table = markdown.spans("widths", widths())
    lines = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert lines[0][1] == "hidden size"
    assert [line[1] for line in lines[2:]] == 2 * ["4", "16", "64"]


def test_accuracy_by_lag_has_a_point_for_each_bin_with_an_accuracy_and_a_bound_where_one_is_known() -> None:
    found = rows("by_lag", with_lags(document(lengths=(10,))))
    points = {(row["model"], row["lags"]): row for row in found if "lags" in row}
    assert {lags for _, lags in points} == {"2", "5 to 6"}
    assert points["rnn", "5 to 6"]["bound"] == 0.1
    assert points["lstm · keras", "5 to 6"]["bound"] is None
    assert (points["rnn", "2"]["low"], points["rnn", "2"]["asked"]) == (0.98, 400)


def test_results_without_lags_have_no_accuracy_by_lag() -> None:
    (row,) = rows("by_lag", document())
    assert row["text"].endswith(".")
