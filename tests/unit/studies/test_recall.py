"""The study of recall: sound and equal experiments, and verdicts that follow from what was recalled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.claims.study import Scale
from memspan.claims.verdict import Judgement, judged
from memspan.engine.condition import Condition
from memspan.experiment.fleet import Fleet
from memspan.experiment.grid import conditions
from memspan.experiment.matches import matches
from memspan.experiment.placements import Placements
from memspan.experiment.plan import estimated_seconds
from memspan.experiment.run_row import RunRow
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.models import build
from memspan.studies import experiments
from memspan.studies.recall import (
    CONVOLVED,
    DELTA,
    FOUR,
    KEYED,
    KEYS,
    LEARNED,
    LEARNED_1,
    LEARNED_LOUD,
    LSTM_32,
    MAMBA_1,
    MAMBA_2,
    RATES,
    REACH,
    WIDTHS,
    WINDOWED,
    RecallStudy,
)

Accuracy = Callable[[Condition], float | None]
"""Of the runs of a condition, for all answers; None: they diverge."""
BY_LAG: Mapping[str, tuple[int, ...]] = {
    "first": (1, 5, 7, 13, 17, 25), "last": (4, 6, 8, 16, 24, 31), "asked": (100,) * 6,
}  # fmt: skip
SAID: dict[ModelSpec, tuple[float, float]] = {
    CONVOLVED: (0.001, 0.03), LEARNED: (0.001, 0.01), LEARNED_LOUD: (0.003, 0.003), MAMBA_1: (0.003, 0.01),
    DELTA: (0.003, 0.01), MAMBA_2: (1.0, 1.0), LEARNED_1: (1.0, 1.0),
}  # fmt: skip
"""the rates by which a model recalls, where not all do"""


def as_said(condition: Condition) -> float:
    """What would support every claim."""
    model, pairs = condition.model, getattr(condition.task, "pairs", 0)
    if model.kind in ("lstm", "gru"):
        return 0.25
    if model in KEYED.values() and model != DELTA:
        return 1.0 if getattr(model, "key_size", 0) >= 2 * pairs else 0.4
    if model.match is not None:
        return 1.0 if model.kind == "delta_net" else 0.8
    low, high = SAID.get(model, (0.0, 1.0))
    return 1.0 if low <= condition.training.optimizer.step_size <= high else 0.25


def row(spec: ExperimentSpec, place: int, repeat: int, accuracy: float | None) -> RunRow:
    condition = conditions(spec)[place]
    told = 0.0 if accuracy is None else accuracy
    hits = [100 * told if condition.model != WINDOWED or lag < REACH else 3 for lag in BY_LAG["first"]]
    metrics = {"test_accuracy": told, "validation_accuracy": told}
    by_lag = {**BY_LAG, "correct": tuple(round(each) for each in hits)}
    return RunRow(place, repeat, "succeeded", metrics, 1 if accuracy is None else None, by_lag=by_lag)


def evidence(accuracy: Accuracy, scale: Scale = "full") -> Evidence:
    """Every run done; of tuned models those that serve to choose, and the reported ones of the first rate."""
    found = {}
    for name, spec in experiments(RecallStudy(scale=scale)).items():
        tries = spec.training.tuning.repeats if spec.training.tuning else 0
        rows = [
            row(spec, place, repeat, accuracy(each))
            for place, each in enumerate(conditions(spec))
            for repeat in range(spec.repeats if each.is_reported else tries)
            if not tries or not each.is_reported or each.training.optimizer.step_size == 0.003
        ]
        found[name] = ExperimentEvidence(name, spec, rows)
    return Evidence(scale, found)


def judge(accuracy: Accuracy, scale: Scale = "full") -> dict[str, Judgement]:
    return {each.claim.id: each for each in judged(RecallStudy.claims, evidence(accuracy, scale))}


def changed(models: Mapping[ModelSpec, float | None]) -> Accuracy:
    """As said, but for some models."""
    return lambda condition: models[condition.model] if condition.model in models else as_said(condition)


def test_what_is_said_is_supported_where_it_is_so() -> None:
    found = judge(as_said)
    assert {key: str(each.verdict) for key, each in found.items()} == dict.fromkeys(found, "supported")


@pytest.mark.parametrize(
    ("id", "accuracy"),
    [
        ("attention-solves-4", changed({CONVOLVED: 0.5})),
        ("attention-solves-8", changed({CONVOLVED: 0.98})),
        ("attention-same-at-8", lambda condition: 1 - condition.task.pairs / 20),
        ("attention-at-every-width", lambda condition: 0.9 if condition.model == WIDTHS[16] else 1.0),
        ("delta-needs-keys", lambda condition: 1.0),
        ("delta-same-at-8", lambda condition: 1 - condition.task.pairs / 20),
        ("state-grows-with-pairs", lambda condition: 1.0),
        ("lstm-below-half", changed({LSTM_32: 0.6})),
        ("gru-below-half", lambda condition: 0.6),
        ("one-block-guesses", changed({LEARNED_1: 0.5})),
        ("one-block-convolved", lambda condition: 0.5),
        ("one-block-delta", changed({DELTA: 0.8})),
        ("one-block-mamba", changed({MAMBA_1: 0.8})),
        ("two-mambas-below-one", changed({MAMBA_2: 1.0})),
        ("two-mambas-below-attention", changed({CONVOLVED: 0.5})),
        ("embedding-decides", changed({LEARNED_LOUD: 1.0})),
        ("mamba-narrower", changed({MAMBA_1: 1.0})),
        ("delta-narrower", changed({DELTA: 1.0})),
        ("delta-best-by-state", lambda condition: 0.9),
        ("delta-best-by-parameters", lambda condition: 0.9),
    ],
)
def test_what_is_said_is_contradicted_where_it_is_not_so(id: str, accuracy: Accuracy) -> None:
    assert str(judge(accuracy)[id].verdict) == "contradicted"


def of_lags(model: ModelSpec, correct: tuple[int, ...]) -> dict[str, Judgement]:
    """As said, but for the answers by lag of one model."""
    found = evidence(as_said)
    part = found.experiments["lags"]
    rows = [
        replace(each, by_lag={**BY_LAG, "correct": correct}) if part.grid[each.condition].model == model else each
        for each in part.rows
    ]
    experiments = {**found.experiments, "lags": replace(part, rows=rows)}
    return {each.claim.id: each for each in judged(RecallStudy.claims, Evidence("full", experiments))}


def test_who_recalls_beyond_the_window_is_told() -> None:
    told = of_lags(WINDOWED, (100, 100, 100, 100, 30, 3))["within-the-window"]
    assert (str(told.verdict), told.measured and round(told.measured.value, 3)) == ("contradicted", 0.264)


def test_who_forgets_is_told_and_lags_that_a_convolution_bridges_are_left_out() -> None:
    assert str(of_lags(CONVOLVED, (40, 40, 100, 100, 100, 90))["attention-does-not-forget"].verdict) == "contradicted"
    assert str(of_lags(CONVOLVED, (40, 40, 100, 100, 100, 100))["attention-does-not-forget"].verdict) == "supported"


def test_runs_that_diverge_count_as_chance_and_are_not_left_out() -> None:
    found = judge(changed({DELTA: None}))["one-block-delta"]
    assert (str(found.verdict), found.measured and found.measured.value) == ("contradicted", 1 / 32)


def test_the_quick_scale_says_that_it_is_too_short_for_claims_about_budgets() -> None:
    found = judge(as_said, "quick")
    assert found["one-block-convolved"].reason == "The quick scale trains 'rates' for 300 steps, too few for the claim."
    assert "not part of the quick scale" in found["lstm-below-half"].reason
    assert str(found["delta-needs-keys"].verdict) == "supported"
    assert "not part of the quick scale" in found["attention-at-every-width"].reason


def test_every_model_that_is_tuned_gets_the_same_rates_runs_and_training() -> None:
    for name, spec in experiments(RecallStudy(scale="full")).items():
        training = spec.training
        assert (training.batch_size, training.clip_norm, training.data) == (32, 1.0, "fresh")
        if training.tuned:
            assert training.tuned == {"learning_rate": RATES}, name
    ratios = [high / low for low, high in pairwise(RATES)]
    assert ratios == pytest.approx([10**0.5] * 4, rel=0.06), "half a decade apart"


def test_both_matchings_are_met_within_three_percent() -> None:
    asked = experiments(RecallStudy(scale="full"))
    told = {name: matches(spec) for name, spec in asked.items() if name.startswith("small")}
    assert {entry["goal"] for each in told.values() for entry in each} == {"state_size", "inner_parameters"}
    for each in told.values():
        assert [entry["kind"] for entry in each] == ["delta_net", "gated_linear_attention", "mamba"]
        assert all(abs(entry["found"] / entry["wanted"] - 1) < 0.03 for entry in each)


def test_two_blocks_of_mamba_carry_as_much_as_one_beside_their_convolutions() -> None:
    one, two = (build(model, FOUR.signature(32)).state_size for model in (MAMBA_1, MAMBA_2))
    kept = 3 * 2 * 32  # of a short convolution: three steps of each inner channel
    assert one - kept == two - 2 * kept == 16 * 2 * 32


def test_the_ladder_of_keys_is_asked_at_every_number_of_pairs() -> None:
    spec = experiments(RecallStudy(scale="full"))["key sizes"]
    assert {getattr(each, "key_size", None) for each in spec.models} == set(KEYS)
    assert [getattr(each, "pairs", None) for each in spec.tasks] == [2, 4, 8]


@pytest.mark.parametrize(("scale", "most"), [("quick", 45), ("full", 13 * 60)])
def test_a_scale_is_planned_for_less_than_it_may_take(scale: Scale, most: float) -> None:
    placed = [Placements(each) for each in experiments(RecallStudy(scale=scale)).values()]
    assert 0.2 * most < estimated_seconds(placed, Fleet(workers=2)) < most


def test_what_is_published_has_the_sizes_of_the_source_and_asks_for_a_gpu() -> None:
    asked: Mapping[str, Any] = experiments(RecallStudy(scale="published"))
    told = [(each.lengths, each.tasks[0].pairs, each.training.batch_size) for each in asked.values()]
    assert told == [((64,), 4, 512), ((128,), 8, 512), ((256,), 16, 256), ((512,), 64, 128)]
    for each in asked.values():
        assert (each.device, each.tasks[0].vocabulary, each.training.train_size) == ("gpu", 8_192, 100_000)
        assert {model.hidden_size for model in each.models} == {64, 128, 256, 512}
        assert each.training.optimizer.kind == "adamw"
        assert each.training.optimizer.weight_decay == 0.1
