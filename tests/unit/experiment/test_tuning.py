"""Tuned settings: chosen by runs of their own, reported by fresh ones, to the numbers of a spec that names them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

import memspan
from memspan.claims import markdown
from memspan.claims.evidence import ExperimentEvidence
from memspan.claims.measured import NotMeasured
from memspan.engine import datasets
from memspan.engine.datasets import split
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.experiment.contestant import Contestant
from memspan.experiment.grid import conditions
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.rounds import following, opening
from memspan.experiment.run import SpecImpossible, parse
from memspan.experiment.run_row import RunRow
from memspan.experiment.series import all_series, series_of
from memspan.experiment.table import Results
from memspan.experiment.tuning import chosen
from memspan.interfaces.tunable import RateRange

RATES = [0.002, 0.02, 0.2]
TRAINING: dict[str, Any] = {
    "optimizer": {"kind": "adam", "learning_rate": {"tune": RATES}},
    "train_size": 128, "validation_size": 64, "test_size": 64, "epochs": 2,
}  # fmt: skip
SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 2}, {"kind": "gru", "hidden_size": 2}],
    "lengths": [2, 6],
    "training": TRAINING,
    "repeats": 4,
    "seed": 5,
}


def with_training(**changes: Any) -> dict[str, Any]:
    return {**SPEC, "training": {**TRAINING, **changes}}


def plain(rate: float, spec: dict[str, Any] = SPEC, **changes: Any) -> dict[str, Any]:
    """The spec with a rate written out, and nothing tuned."""
    written = {**spec["training"], "optimizer": {**spec["training"]["optimizer"], "learning_rate": rate}}
    return {**spec, "training": {name: value for name, value in written.items() if name != "tuning"}, **changes}


@pytest.fixture(scope="module")
def found() -> Results:
    return memspan.run(SPEC)


def timeless(entry: dict[str, Any]) -> dict[str, Any]:
    """What is told of a condition, without the words about how its setting was found and what time it took."""
    return {**entry, "seconds_per_epoch": None, "budget": {**entry["budget"], "tuned": None}}


def test_reported_numbers_are_those_of_a_spec_with_the_chosen_rate_written_out(found: Results) -> None:
    assert len(found.document["tuning"]) == 4
    for choice in found.document["tuning"]:
        own = {"models": [choice["model"]], "lengths": [choice["length"]]}
        other = memspan.run(plain(choice["chosen"], **own))
        (expected,) = other.document["conditions"]
        (there,) = [
            entry
            for entry in found.document["conditions"]
            if (entry["model"], entry["length"]) == (choice["model"], choice["length"])
        ]
        assert timeless(there) == timeless(expected)


def test_the_lowest_median_validation_loss_of_runs_of_their_own_chooses(found: Results) -> None:
    for choice in found.document["tuning"]:
        medians = {score["learning_rate"]: score["median"] for score in choice["scores"]}
        assert list(medians) == RATES
        assert choice["chosen"] == min(medians, key=lambda rate: medians[rate])
        assert choice["setting"] == {"learning_rate": choice["chosen"]}
        assert {score["n"] for score in choice["scores"]} == {3}
        assert choice["at_edge"] == (choice["chosen"] in (RATES[0], RATES[-1])) == bool(choice["warning"])


def test_nothing_of_tuning_runs_is_reported(found: Results) -> None:
    assert len(found.rows) == 4 * (3 * 3 + 4)
    assert all(entry["runs"]["total"] == 4 for entry in found.document["conditions"])
    assert all(comparison["n"] == 4 for comparison in found.document["comparisons"])
    tuning = [row for row in found.runs if row["purpose"] == "tuning"]
    assert len(tuning) == 4 * 3 * 3
    assert {row["learning_rate"] for row in tuning} == set(RATES)
    assert not any(name.startswith("test_") for row in tuning for name in row)
    evidence = ExperimentEvidence("tuned", found.spec, found.rows)
    assert len(evidence.values("test_accuracy", found.spec.models[0], 2)) == 4


def test_tuning_runs_share_no_seed_and_no_sequence_with_reported_ones() -> None:
    grid = conditions(parse(SPEC))
    seeds: dict[str, set[int]] = {"report": set(), "tuning": set()}
    for condition, repeat in product(grid, range(50)):
        seeds[condition.purpose] |= {condition.run_seed(repeat), condition.data_seed}
    assert not seeds["report"] & seeds["tuning"]
    tuned = next(each for each in grid if each.purpose == "tuning")
    reported = next(each for each in grid if each.is_reported and each.length == tuned.length)
    one = {str(row) for row in split(tuned).train.inputs.tolist()}
    data = split(reported)
    others = {str(row) for row in [*data.train.inputs.tolist(), *data.test.rows(0, 64).inputs.tolist()]}
    assert not one & others


def test_all_settings_are_tried_from_the_same_weights_and_on_the_same_sequences() -> None:
    tuned = [each for each in conditions(parse(SPEC)) if each.purpose == "tuning" and each.length == 2]
    by_model = {model: [each for each in tuned if each.model == model] for model in {each.model for each in tuned}}
    assert all(len({each.run_seed(1) for each in own}) == 1 and len(own) == 3 for own in by_model.values())
    assert len({each.data_seed for each in tuned}) == 1


def test_a_tuning_run_never_sees_the_test_set(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def spied(task: Any, extent: int, ranges: Any, rng: Any, name: str) -> Any:
        drawn.append(name)  # where the first sequences are asked for, not where the set is named
        yield from before(task, extent, ranges, rng, name)

    before = datasets.sample_in_parts
    monkeypatch.setattr(datasets, "sample_in_parts", spied)
    tuned = next(each for each in conditions(parse({**SPEC, "seed": 77})) if each.purpose == "tuning")
    list(Trainer(place(tuned), [0, 1]).events())
    assert set(drawn) == {"train"}


def test_the_best_weights_are_judged_where_those_are_reported() -> None:
    spec = {
        **with_training(epochs=6, optimizer={"kind": "adam", "learning_rate": {"tune": [0.3, 1, 3]}}),
        "report": {"checkpoint": "best"},
        "models": SPEC["models"][:1],
        "lengths": [6],
    }
    found = memspan.run(spec)
    tuning = [row for row in found.rows if not conditions(found.spec)[row.condition].is_reported]
    assert any(
        row.metrics["validation_loss"] < found.epochs[row.condition, row.repeat]["validation_loss"][-1]
        for row in tuning
    )
    for row in tuning:
        losses = found.epochs[row.condition, row.repeat]["validation_loss"]
        assert row.metrics["validation_loss"] == min(losses)


def test_one_length_may_choose_for_all() -> None:
    spec = {**with_training(tuning={"repeats": 2, "length": 5}), "lengths": [2, 6, 12]}
    found = memspan.run(spec)
    assert [choice["length"] for choice in found.document["tuning"]] == [6, 6]
    for choice in found.document["tuning"]:
        rates = {e["budget"]["learning_rate"] for e in found.document["conditions"] if e["model"] == choice["model"]}
        assert rates == {choice["chosen"]}
    assert [len(series.positions) for series in all_series(found.spec)] == [3 * 3 + 3] * 2
    assert plan(Placements(found.spec)).runs == len(found.rows) == 2 * (3 * 2 + 3 * 4)


def test_several_numbers_are_tuned_as_a_grid() -> None:
    spec = with_training(
        clip_norm={"tune": [10, 0.1]}, weight_decay={"tune": {"low": 0.001, "high": 0.1, "count": 3}},
        tuning={"repeats": 1},
        optimizer={"kind": "adam", "learning_rate": {"tune": [0.02, 0.2]}},
    )  # fmt: skip
    found = memspan.run({**spec, "lengths": [2], "models": SPEC["models"][:1]})
    (choice,) = found.document["tuning"]
    tried = [(each["learning_rate"], each["clip_norm"], each["weight_decay"]) for each in choice["scores"]]
    assert tried == [*product([0.02, 0.2], [0.1, 10.0], [0.001, 0.01, 0.1])]
    assert set(choice["setting"]) == {"learning_rate", "clip_norm", "weight_decay"}
    (entry,) = found.document["conditions"]
    written = plain(choice["chosen"], spec, lengths=[2], models=SPEC["models"][:1])
    written["training"] |= {name: choice["setting"][name] for name in ("clip_norm", "weight_decay")}
    assert timeless(entry) == timeless(memspan.run(written).document["conditions"][0])
    assert choice["window"] is not None


def test_a_search_goes_by_the_setting_that_was_chosen_before() -> None:
    spec = {
        **with_training(tuning={"repeats": 2, "length": 4}, test_size=200),
        "lengths": {"search": {"low": 2, "high": 30}},
        "models": SPEC["models"][1:],
    }
    found = memspan.run(spec)
    (choice,) = found.document["tuning"]
    assert choice["length"] == 4
    other = memspan.run(plain(choice["chosen"], spec))
    assert [*map(timeless, found.document["conditions"])] == [*map(timeless, other.document["conditions"])]
    assert found.document["searches"] == other.document["searches"]
    assert found.document["spans"][0]["span"] == other.document["spans"][0]["span"]


def test_runs_until_converged_may_be_tuned() -> None:
    spec = {**with_training(epochs={"until": "converged", "at_most": 30}), "lengths": [2], "models": SPEC["models"][:1]}
    found = memspan.run(spec)
    (choice,) = found.document["tuning"]
    (entry,) = found.document["conditions"]
    assert timeless(entry) == timeless(memspan.run(plain(choice["chosen"], spec)).document["conditions"][0])
    assert any(row.metrics["steps"] < 240 for row in found.rows)


def test_collected_sequences_can_be_tuned_on_without_their_test_set() -> None:
    spec = {
        "tasks": [{"kind": "digits"}], "models": [{"kind": "rnn", "hidden_size": 4}], "repeats": 2,
        "training": {**TRAINING, "optimizer": {"kind": "adam", "learning_rate": {"tune": [0.001, 0.01]}}},
    }  # fmt: skip
    found = memspan.run(spec)
    (choice,) = found.document["tuning"]
    (entry,) = found.document["conditions"]
    assert (choice["length"], entry["length"]) == (None, None)
    assert timeless(entry) == timeless(memspan.run(plain(choice["chosen"], spec)).document["conditions"][0])


def tried(spec: dict[str, Any], losses: dict[float, list[float]], **changes: Any) -> list[RunRow]:
    """The runs that choose for the first series, with some losses by rate."""
    whole = parse(spec)
    grid, (series, *_) = conditions(whole), all_series(whole)
    return [
        RunRow(
            position,
            repeat,
            **{"state": "succeeded", "metrics": {"validation_loss": losses[_rate(grid[position])][repeat]}, **changes},
        )
        for position in series.tuning
        for repeat in range(len(losses[_rate(grid[position])]))
    ]


def _rate(condition: Any) -> float:
    return float(condition.training.optimizer.step_size)


LOSSES = {0.002: [0.5, 0.6, 0.7], 0.02: [0.9, 0.1, 0.2], 0.2: [0.3, 0.3, 0.3]}


def test_what_follows_is_the_same_in_whatever_order_runs_ended() -> None:
    spec = parse(SPEC)
    series = all_series(spec)[0]
    rows = tried(SPEC, LOSSES)
    expected = following(spec, series, rows)
    assert [(each.position, each.repeats) for each in expected] == [(series.reported[1], range(4))]
    assert following(spec, series, rows[::-1]) == expected
    assert chosen(spec, series, rows) == 1


def test_nothing_is_chosen_from_fewer_runs_than_were_asked_for() -> None:
    spec = parse(SPEC)
    series = all_series(spec)[0]
    rows = tried(SPEC, LOSSES)
    for state in ("queued", "running", "failed", "cancelled"):
        left = [RunRow(rows[0].condition, rows[0].repeat, state), *rows[1:]]
        assert chosen(spec, series, left) is None
        assert following(spec, series, left) == ()
    assert following(spec, series, rows[1:]) == ()


def test_a_run_that_diverged_counts_as_the_worst() -> None:
    spec = parse(SPEC)
    series = all_series(spec)[0]
    rows = tried(SPEC, LOSSES)
    lost = [
        RunRow(row.condition, row.repeat, "succeeded", row.metrics, diverged_at=2)
        if _rate(conditions(spec)[row.condition]) == 0.02 and row.repeat > 0
        else row
        for row in rows
    ]
    assert chosen(spec, series, lost) == 2


def test_once_reports_are_asked_for_nothing_follows() -> None:
    spec = parse(SPEC)
    series = all_series(spec)[0]
    rows = tried(SPEC, LOSSES)
    (allocation,) = following(spec, series, rows)
    reported = [RunRow(allocation.position, repeat, "failed") for repeat in allocation.repeats]
    assert following(spec, series, [*rows, *reported]) == ()


def test_a_series_begins_with_the_runs_that_choose() -> None:
    spec = parse(SPEC)
    for series in all_series(spec):
        asked = opening(spec, series)
        assert [each.position for each in asked] == [*series.tuning]
        assert {each.repeats for each in asked} == {range(3)}
        assert series_of(spec, [series.positions[2]]) == (series,)
    assert sum(len(series.positions) for series in all_series(spec)) == len(conditions(spec))


def test_the_plan_counts_tuning() -> None:
    tuned, written = plan(Placements(parse(SPEC))), plan(Placements(parse(plain(0.02))))
    assert (tuned.conditions, tuned.runs, tuned.tuning_runs) == (4, 4 * (9 + 4), 36)
    assert (written.conditions, written.runs, written.tuning_runs) == (4, 16, 0)
    assert not tuned.at_most
    assert tuned.estimated_seconds > 2 * written.estimated_seconds
    assert tuned.parameters == written.parameters
    assert tuned.peak_bytes == written.peak_bytes


def cautions(**training: Any) -> dict[str, str]:
    found = plan(Placements(parse(with_training(**training)))).warnings
    return {each["pointer"]: each["code"] for each in found if "training" in each["pointer"]}


def test_a_plan_warns_of_choices_that_are_none() -> None:
    rate = "#/training/optimizer/learning_rate/tune"
    assert rate not in cautions()
    assert cautions(optimizer={"kind": "adam", "learning_rate": {"tune": [0.02]}})[rate] == "one_candidate"
    assert cautions(optimizer={"kind": "adam", "learning_rate": {"tune": [0.02, 0.2]}})[rate] == "two_candidates"
    assert cautions(tuning={"repeats": 1})["#/training/tuning/repeats"] == "few_repeats"
    assert cautions(tuning={"length": 6}).get("#/training/tuning/length") is None
    assert cautions(tuning={"length": 7})["#/training/tuning/length"] == "no_such_length"


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"optimizer": {"kind": "adam"}, "tuning": {}}, "training.tuning", "nothing to choose"),
        (
            {
                "clip_norm": {"tune": {"low": 0.1, "high": 10, "count": 9}},
                "weight_decay": {"tune": [0, 0.1, 0.2]},
            },
            "training.clip_norm.tune",
            "81 settings (3 learning_rate x 9 clip_norm x 3 weight_decay)",
        ),
        ({"tuning": {"repeats": 1000}}, None, ""),
    ],
)
def test_what_cannot_be_tuned_is_said_in_its_place(changes: dict[str, Any], place: str | None, words: str) -> None:
    if place is None:
        assert parse(with_training(**changes))
        return
    with pytest.raises(SpecImpossible) as raised:
        parse(with_training(**changes))
    assert str(raised.value).startswith(f"{place}: ")
    assert words in str(raised.value)


def test_a_search_needs_the_length_at_which_settings_are_chosen() -> None:
    with pytest.raises(SpecImpossible, match=r"training\.tuning\.length: A length search .* such as 2"):
        parse({**SPEC, "lengths": {"search": {"low": 2, "high": 40}}})


def test_too_many_runs_of_tuning_are_refused_where_they_come_from() -> None:
    spec = {**with_training(tuning={"repeats": 900}), "lengths": [*range(2, 42)]}
    with pytest.raises(SpecImpossible, match=r"training\.tuning\.repeats: Tuning takes 216000 runs"):
        parse(spec)


def test_a_spec_that_tunes_nothing_says_nothing_of_it() -> None:
    data = parse(plain(0.02)).model_dump(mode="json")
    assert "tuning" not in data["training"]
    shown = parse(SPEC).model_dump(mode="json")["training"]
    assert shown["tuning"] == {"repeats": 3, "length": None}
    assert shown["optimizer"]["learning_rate"] == {"tune": RATES}
    mixed = with_training(optimizer={"kind": "adam", "learning_rate": {"tune": [0.2, 0.002, 0.02]}})
    assert parse(mixed) == parse(SPEC)


def test_the_same_candidates_are_the_same_budget_and_the_sentence_says_so(found: Results) -> None:
    (span,) = [each for each in found.document["comparisons"] if each["metric"] == "span"]
    assert span["same_budget"]
    words = "tuned: the best of 3 learning rates from 0.002 to 0.2 by 3 repeats of each, at every length"
    assert words in span["sentence"]


def test_the_same_candidates_in_other_words_are_the_same_budget() -> None:
    ranged = {"kind": "adam", "learning_rate": {"tune": {"low": 0.002, "high": 0.2, "count": 3}}}
    one, other, another = (
        Contestant(0, whole.tasks[0], whole.models[0], whole.training, {}).budget
        for whole in (
            parse(SPEC),
            parse(with_training(optimizer=ranged)),
            parse(with_training(tuning={"repeats": 4})),
        )
    )
    assert one == other != another
    plainly = parse(plain(0.002))
    assert Contestant(0, plainly.tasks[0], plainly.models[0], plainly.training, {}).budget != one


def test_claims_ask_for_choices_and_windows(found: Results) -> None:
    evidence, model = ExperimentEvidence("tuned", found.spec, found.rows), found.spec.models[1]
    choice = next(e for e in found.document["tuning"] if (e["model"]["kind"], e["length"]) == ("gru", 6))
    assert evidence.choice(model, 6) == choice
    window = evidence.window(model, 6)
    assert (window.value, window.n) == (choice["window"]["decades"], 3)
    assert (window.low, window.high) == (choice["window"]["decades_low"], choice["window"]["decades_high"])
    unfinished = [row for row in found.rows if row.condition != 0 and row.repeat != 1]
    with pytest.raises(NotMeasured, match="was chosen"):
        ExperimentEvidence("tuned", found.spec, unfinished).choice(model, 6)
    with pytest.raises(NotMeasured, match="was chosen"):
        evidence.choice(model, 7)


def test_rates_that_diverge_are_told_as_such() -> None:
    wild = {"kind": "sgd", "learning_rate": {"tune": [0.01, 0.1, 100]}}
    spec = {
        **with_training(optimizer=wild, train_size=1600), "lengths": [6], "tasks": [{"kind": "adding"}],
        "models": [{"kind": "rnn", "hidden_size": 4, "activation": "relu"}],
    }  # fmt: skip
    found = memspan.run(spec)
    (choice,) = found.document["tuning"]
    lost = choice["scores"][-1]
    assert (lost["n"], lost["diverged"], lost["good"], lost["median"]) == (3, 3, 0, float("inf"))
    assert choice["chosen"] in (0.01, 0.1)
    drawn = found.figure("tuning").to_dict()
    assert any("cross" in str(layer.get("mark")) for layer in layers(drawn))
    assert "inf" in repr(found.tuning) or "∞" in repr(found.tuning)


def layers(drawn: Any) -> list[Any]:
    """All layers of a figure, however deep they lie."""
    inner = [each for name in ("layer", "hconcat", "vconcat", "concat") for each in drawn.get(name, ())]
    return [drawn, *(layer for each in inner for layer in layers(each))]


def test_a_window_of_one_rate_is_none() -> None:
    single = memspan.run(
        {**with_training(optimizer={"kind": "adam", "learning_rate": {"tune": [0.02]}}), "lengths": [2]}
    )
    assert all(choice["window"] is None and not choice["at_edge"] for choice in single.document["tuning"])
    with pytest.raises(NotMeasured, match="Fewer than two"):
        ExperimentEvidence("tuned", single.spec, single.rows).window(single.spec.models[0], 2)


def test_a_figure_shows_what_was_tried(found: Results) -> None:
    drawn = str(found.figure("tuning").to_dict())
    assert "Validation loss" in drawn
    assert all(str(rate) in drawn for rate in RATES)
    assert "Nothing is tuned" in str(memspan.run(plain(0.02, lengths=[2], repeats=1)).figure("tuning").to_dict())


def test_a_range_is_spread_evenly_over_the_logarithm_and_rounded() -> None:
    assert RateRange(low=0.0003, high=0.03, count=5).values() == (0.0003, 0.0009487, 0.003, 0.009487, 0.03)
    assert RateRange(low=5e-324, high=100, count=3).values() == (5e-324, 2.223e-161, 100)


def test_markdown_tells_what_was_chosen(found: Results) -> None:
    tables = list(markdown.experiment("latch", found.document))
    (table,) = [each for each in tables if "tuned settings" in each]
    assert all(word in table for word in ("rates that work", "rnn", "gru", "decades"))
    assert any("tuned: the best of 3 learning rates" in each for each in tables)
