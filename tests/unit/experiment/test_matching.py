"""Widths that follow from what a model is to amount to."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

import memspan
from memspan.experiment.flaws import flaws
from memspan.experiment.grid import conditions
from memspan.experiment.matches import matches
from memspan.experiment.matching import COUNTS, MOST, TOLERANCE, WORDS, matched, resolved
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.run import SpecMalformed, parse
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.interfaces.match import GOALS
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build, model
from memspan.models.rnn import RNN

LIMITS = Limits()
SMALL: dict[str, Any] = {"tasks": [{"kind": "latch"}], "lengths": [5, 20]}
SUMS: dict[str, Any] = {"tasks": [{"kind": "binary_addition", "answer": "sum_and_carry"}], "lengths": [5, 20]}
BRIEF = {"batch_size": 8, "epochs": 2, "train_size": 20, "validation_size": 10, "test_size": 30}
WIDE = [spec for spec in model.specs() if spec.width is not None]


def spec(**changes: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate_json(json.dumps(SMALL | changes), strict=True)


def wrong(**changes: Any) -> dict[str, tuple[str, str]]:
    """Code and sentence of each flaw by its path."""
    found = flaws(spec(**changes), LIMITS)
    assert all(flaw.message.endswith(".") for flaw in found)
    return {"/".join(map(str, flaw.path)): (flaw.code, flaw.message) for flaw in found}


def sized(**changes: Any) -> tuple[ModelSpec, ...]:
    found = matched(spec(**changes), LIMITS)
    assert found.flaws == ()
    return found.spec.models


def of_task(spec: type[ModelSpec]) -> Signature:
    """A task that a kind takes."""
    if spec.model_fields["kind"].default == "carry_mlp":
        return Signature(20, 2, 4, Problem.CLASSIFICATION, every_step=True, own_states=2)
    return Signature(20, 1, 2, Problem.CLASSIFICATION)


def test_every_kind_says_what_its_width_is_and_one_has_none() -> None:
    assert [spec().kind for spec in model.specs() if spec.width is None] == ["sigmoid_map"]
    for each in WIDE:
        assert each.width is not None
        assert set(each.width.fields) <= set(each.model_fields)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("kind", WIDE, ids=lambda each: each.model_fields["kind"].default)
def test_no_count_falls_as_a_model_grows_wider(kind: type[ModelSpec], goal: str) -> None:
    """Else halving the range of widths would find some width, and not the nearest."""
    signature, step = of_task(kind), kind().width_step
    counts = [COUNTS[goal](build(kind().of_width(w * step), signature), signature) for w in range(2, 70)]
    assert all(narrow <= wide for narrow, wide in pairwise(counts))


@pytest.mark.parametrize("goal", ["parameters", "inner_parameters", "multiplications"])
@pytest.mark.parametrize("kind", WIDE, ids=lambda each: each.model_fields["kind"].default)
def test_the_width_that_is_found_is_the_nearest_of_all(kind: type[ModelSpec], goal: str) -> None:
    name, signature = kind().kind, of_task(kind)
    wanted = round(COUNTS[goal](build(kind().of_width(24), signature), signature))
    wanted += 1
    body = SUMS if name == "carry_mlp" else SMALL
    task = spec(**body, models=[{"kind": "rnn"}]).tasks[0]
    signature = task.signature(20)
    given: list[Any] = [{"kind": name, "match": {goal: wanted}}]
    found = matched(spec(**body, models=given), LIMITS)
    step = kind().width_step

    def off(units: int) -> float:
        return abs(COUNTS[goal](build(kind().of_width(units), signature), signature) - wanted)

    every = {units * step: off(units * step) for units in range(kind.width.least if kind.width else 1, 400)}
    nearest = min(every, key=lambda units: (every[units], units))
    if every[nearest] > TOLERANCE * wanted:
        assert [flaw.code for flaw in found.flaws] == ["no_match"]
    else:
        assert found.spec.models[0] == kind().of_width(nearest).model_copy(
            update={"match": spec(**body, models=given).models[0].match}
        )


def test_a_gru_of_five_thousand_parameters() -> None:
    """3 H (I + H + 2) and 2 H + 2 for H units, one input, two classes: 4 994 for 39."""
    (found,) = sized(models=[{"kind": "gru", "match": {"parameters": 5000}}])
    assert found.model_dump()["hidden_size"] == 39
    assert build(found, spec(models=[{"kind": "gru"}]).tasks[0].signature(20)).parameters == 4_994


def test_the_match_at_the_top_is_every_models_that_has_none_of_its_own() -> None:
    found = matched(
        spec(models=[{"kind": "lstm"}, {"kind": "gru", "match": {"state_size": 9}}], match={"state_size": 64}), LIMITS
    ).spec
    assert [each.model_dump()["hidden_size"] for each in found.models] == [32, 9]
    assert found.match is None
    assert [each.match and each.match.wanted for each in found.models] == [64, 9]


def test_layers_of_one_width_are_matched_together() -> None:
    (found,) = sized(models=[{"kind": "lstm", "match": {"state_size": 64, "layers": 2}}])
    assert found.model_dump()["hidden_size"] == (16, 16)
    assert wrong(models=[{"kind": "attention"}], match={"parameters": 5000, "layers": 2}).keys() == {"match/layers"}


def test_heads_divide_the_width_that_is_found() -> None:
    (found,) = sized(models=[{"kind": "attention", "heads": 5}], match={"parameters": 50_000})
    size = found.model_dump()["hidden_size"]
    assert size % 10 == 0, "rotary turns pairs of numbers in each of five heads"


def test_heads_that_do_not_divide_a_given_width_are_told() -> None:
    assert wrong(models=[{"kind": "attention", "hidden_size": 32, "heads": 5}]).keys() == {"models/0/heads"}
    assert wrong(models=[{"kind": "mlstm", "heads": 5}]).keys() == {"models/0/heads"}


def test_what_was_found_asks_for_the_same_again() -> None:
    found = matched(spec(models=[{"kind": "lstm"}, {"kind": "lru"}], match={"parameters": 5000}), LIMITS).spec
    again = ExperimentSpec.model_validate_json(found.model_dump_json(), strict=True)
    assert flaws(again, LIMITS) == []
    assert matched(again, LIMITS).spec == found


def test_a_matched_model_trains_the_runs_of_the_width_written_out() -> None:
    body = {**SMALL, "training": BRIEF, "repeats": 2}
    matching = memspan.run(body | {"models": [{"kind": "gru"}], "match": {"parameters": 500}})
    written = memspan.run(body | {"models": [{"kind": "gru", "hidden_size": 11}]})
    assert matching.spec.models[0].model_dump()["hidden_size"] == 11
    assert [row.metrics for row in matching.rows] == [row.metrics for row in written.rows]
    (entry,) = matching.document["matched"]
    assert entry["sentence"] == f"matched: parameters {entry['found']} of 500, hidden_size 11"
    seeds = [[each.run_seed(1) for each in conditions(found.spec)] for found in (matching, written)]
    assert seeds[0] == seeds[1]


def test_a_width_beside_a_match_is_a_contradiction() -> None:
    code, message = wrong(models=[{"kind": "lstm", "hidden_size": 8, "match": {"parameters": 5000}}])[
        "models/0/hidden_size"
    ]
    assert code == "does_not_apply"
    assert "5000 parameters ask for hidden_size 34; given 8" in message
    assert wrong(models=[{"kind": "lstm", "hidden_size": 16}], match={"parameters": 5000}).keys() == {
        "models/0/hidden_size"
    }
    assert wrong(models=[{"kind": "cnn", "filters": 3, "match": {"parameters": 5000}}]).keys() == {"models/0/filters"}


def test_what_comes_no_nearer_than_a_twentieth_is_told_with_the_nearest_two() -> None:
    code, message = wrong(models=[{"kind": "attention", "match": {"inner_parameters": 5000}}])[
        "models/0/match/inner_parameters"
    ]
    assert code == "no_match"
    assert "4680 (hidden_size 24) and 5486 (hidden_size 26)" in message


@pytest.mark.parametrize(
    ("model", "match", "path", "words"),
    [
        ({"kind": "mlp"}, {"state_size": 64}, "models/0/match/state_size", "carries no state"),
        ({"kind": "sigmoid_map"}, {"parameters": 64}, "models/0/match", "one size"),
        ({"kind": "rnn"}, {"parameters": 90_000_000}, "models/0/match/parameters", "the widest allowed"),
        ({"kind": "mamba"}, {"state_size": 3}, "models/0/match/state_size", "the narrowest"),
    ],
)  # fmt: skip
def test_what_no_width_can_be_is_refused_at_its_field(
    model: dict[str, Any], match: dict[str, int], path: str, words: str
) -> None:
    body = {"tasks": [{"kind": "setpoint"}]} if model["kind"] == "sigmoid_map" else {}
    found = wrong(**body, models=[model | {"match": match}])
    assert words in found[path][1]


def test_several_models_that_fail_the_match_at_the_top_are_one_error() -> None:
    found = wrong(models=[{"kind": "mlp"}, {"kind": "cnn"}, {"kind": "rnn"}], match={"state_size": 8})
    assert found.keys() == {"match/state_size"}
    assert found["match/state_size"][1].endswith("1 more can't be matched either.")


def test_one_width_must_do_for_tasks_of_several_shapes() -> None:
    """The copy task shows and asks for ten symbols: of a narrow network much is embedding and read-out."""
    tasks = [{"kind": "latch"}, {"kind": "copy"}]
    code, message = wrong(tasks=tasks, lengths=[30], models=[{"kind": "lstm"}], match={"parameters": 300})[
        "match/parameters"
    ]
    assert code == "no_match"
    assert "on tasks of several shapes" in message
    found = matched(
        spec(tasks=tasks, lengths=[30], models=[{"kind": "mamba"}], match={"inner_parameters": 5031}), LIMITS
    )
    assert found.flaws == ()
    assert {entry["found"] for entry in matches(found.spec)} == {5031}


def test_two_matches_that_find_one_width_are_one_model_given_twice() -> None:
    models = [{"kind": "gru", "match": {"parameters": wanted}} for wanted in (5000, 5001)]
    assert wrong(models=models).keys() == {"models/1"}


def test_matched_counts_are_bounded() -> None:
    tasks = [{"kind": "binary_addition"}] + [{"kind": "regression", "features": n + 2} for n in range(40)]
    many = [{"kind": "rnn", "dropout": n / 1000} for n in range(64)]
    found = matched(spec(tasks=tasks, models=many, match={"parameters": 500}), LIMITS)
    assert len(tasks) * len(many) > MOST
    assert [flaw.code for flaw in found.flaws] == ["grid_too_large"]


def test_so_few_networks_are_counted_that_hundreds_of_models_are_matched_in_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[int] = []

    def count(network: Network, _: Signature) -> int:
        counted.append(network.parameters)
        return counted[-1]

    monkeypatch.setitem(COUNTS, "parameters", count)
    models = [{"kind": "rnn", "dropout": n / 1000} for n in range(256)]
    assert matched(spec(models=models, match={"parameters": 90_000}), LIMITS).flaws == ()
    assert len(counted) <= 256 * 20


def test_plans_tell_matches_and_where_they_hold_at_the_longest_length_alone() -> None:
    found = plan(
        Placements(parse(SMALL | {"models": [{"kind": "attention"}, {"kind": "lstm"}], "match": {"state_size": 1600}}))
    )
    assert [entry["found"] for entry in found.matched] == [1600, 1600]
    assert [entry["least"] for entry in found.matched] == [400, 1600]
    (told,) = [each for each in found.warnings if each["code"] == "matched_at_the_longest"]
    assert told["pointer"] == "#/models/0/match"
    assert "400 to 1600 numbers of state" in told["message"]


@pytest.mark.parametrize("given", [{}, {"parameters": 5, "state_size": 5}, {"layers": 2}])
def test_exactly_one_goal_is_given(given: dict[str, int]) -> None:
    with pytest.raises(SpecMalformed, match="exactly one of parameters"):
        parse(SMALL | {"models": [{"kind": "rnn"}], "match": given})


def test_multiplications_are_those_of_a_step() -> None:
    """An RNN of H units: H of its input and H² of its state at each of 20 steps, and 2 H for two classes at the end."""
    signature = Signature(20, 1, 2, Problem.CLASSIFICATION)
    network = build(RNN(hidden_size=10), signature)
    assert network.products(20, every_step=False) == 20 * (10 + 100) + 2 * 10
    assert COUNTS["multiplications"](network, signature) == 110 + 1
    assert network.products(20, every_step=True) == 20 * (10 + 100 + 20)


def test_inner_parameters_are_the_same_whether_answers_are_due_at_steps_or_all_at_the_end() -> None:
    asked = spec(tasks=[{"kind": "recall"}, {"kind": "compression"}], lengths=[32], models=[{"kind": "mamba"}])
    at_steps, at_the_end = (place.network().inner_parameters for place in conditions(asked))
    assert at_steps == at_the_end


def test_inner_parameters_leave_out_what_stands_before_and_behind() -> None:
    """Two attention blocks of 4 d² and d, and the last norm."""
    network = build(spec(models=[{"kind": "attention"}]).models[0], Signature(20, 3, 5, Problem.CLASSIFICATION))
    assert network.inner_parameters == 2 * (4 * 32**2 + 32) + 32
    assert network.parameters - network.inner_parameters == (3 + 1) * 32 + (32 + 1) * 5


def test_every_goal_has_a_count_and_words() -> None:
    assert tuple(WORDS) == tuple(COUNTS) == GOALS


@pytest.mark.parametrize("goal", ["parameters", "inner_parameters", "multiplications"])
def test_models_of_tokens_are_counted_with_what_shows_them_the_tokens(goal: str) -> None:
    """A model without an embedding of its own is given one of its width, and its layers grow with that."""
    models = [{"kind": "gru"}, {"kind": "attention"}, {"kind": "mamba"}]
    tokens: dict[str, Any] = {"tasks": [{"kind": "recall"}], "lengths": [32]}
    found = matched(spec(**tokens, models=models, match={goal: 40_000}), LIMITS)
    assert found.flaws == ()
    assert all(abs(entry["found"] - 40_000) <= 2_000 for entry in matches(found.spec))


def test_where_nothing_fulfils_a_match_it_stays_to_be_told() -> None:
    asked = spec(models=[{"kind": "gru", "match": {"parameters": 1_000}}])
    assert resolved(asked) == asked
    assert [flaw.code for flaw in flaws(resolved(asked), LIMITS)] == [flaw.code for flaw in flaws(asked, LIMITS)] != []


def test_where_a_width_fulfils_it_the_width_is_written_out() -> None:
    found = resolved(spec(models=[{"kind": "gru", "match": {"parameters": 946}}]))
    assert found.models[0].hidden_size == 16  # type: ignore[attr-defined]
    assert flaws(found, LIMITS) == []
