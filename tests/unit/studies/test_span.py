"""The study of memory spans: sound experiments, and verdicts that follow from what was solved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from memspan.claims.study import Scale
from memspan.engine.condition import Condition
from memspan.experiment.flaws import flaws
from memspan.experiment.fleet import Fleet
from memspan.experiment.grid import conditions
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.interfaces.limits import Limits
from memspan.interfaces.model import ModelSpec
from memspan.studies import experiments
from memspan.studies.span import (
    CHRONO_8,
    FEW,
    FULL,
    GRU_8,
    IRNN_8,
    LSTM_8,
    MODELS,
    QUICK,
    RATES,
    RNN_8,
    TASKS,
    TCN_8,
    SpanStudy,
)
from tests.unit.studies.made_evidence import verdicts

Spans = Mapping[ModelSpec, tuple[float, float]]
"""steps that all repeats remember, on the adding problem and on latch"""
AS_SAID: Spans = {
    RNN_8: (10, 10),
    IRNN_8: (600, 600),
    LSTM_8: (700, 700),
    CHRONO_8: (900, 900),
    GRU_8: (300, 300),
    TCN_8: (1000, 1000),
}


def solving(spans: Spans) -> Any:
    """Runs that solve what lies within a model's span, and nothing beyond."""

    def metrics(condition: Condition, repeat: int) -> dict[str, float]:
        within = condition.extent <= spans[condition.model][condition.task.kind == "latch"]
        return {"test_loss": 1e-4 if within else 0.6, "test_accuracy": 1.0 if within else 0.5}

    return metrics


def judge(changes: Spans, scale: Scale = "full") -> dict[str, Any]:
    return verdicts(SpanStudy(scale=scale), solving({**AS_SAID, **changes}))


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_experiment_is_sound_and_can_be_planned(scale: Scale) -> None:
    for name, spec in experiments(SpanStudy(scale=scale)).items():
        assert flaws(spec, Limits()) == [], name
        assert plan(Placements(spec), Fleet(workers=2)).estimated_seconds > 0


@pytest.mark.usefixtures("compiled_loops")
@pytest.mark.parametrize(("scale", "seconds"), [("quick", 60), ("full", 30 * 60)])
def test_a_scale_takes_no_longer_than_it_may_were_every_run_trained_to_the_end(scale: Scale, seconds: float) -> None:
    """Most runs end before: of the quick scale's seconds about half remain."""
    asked = experiments(SpanStudy(scale=scale)).values()
    assert sum(plan(Placements(spec), Fleet(workers=2)).estimated_seconds for spec in asked) <= seconds


def test_every_model_has_a_rate_chosen_for_each_task_and_length_by_runs_that_enter_nothing_else() -> None:
    places = [place for spec in experiments(SpanStudy(scale="full")).values() for place in conditions(spec)]
    tried = {(place.model, place.task, place.length) for place in places if place.purpose == "tuning"}
    networks = {model for models in MODELS.values() for model in models}
    assert {(model, task) for model, task, _ in tried} == {(m, t) for m in networks for t in TASKS.values()}
    for wanted in tried:
        own = [place for place in places if (place.model, place.task, place.length) == wanted]
        for purpose in ("tuning", "report"):
            assert [p.training.optimizer.learning_rate for p in own if p.purpose == purpose] == list(RATES)
    assert {length for model, _, length in tried if model == LSTM_8} == set(FULL)
    assert {length for model, _, length in tried if model == TCN_8} == set(FEW)


def test_runs_end_when_they_have_converged_and_after_8_000_steps_at_most() -> None:
    for spec in experiments(SpanStudy(scale="full")).values():
        assert spec.training.until_converged
        assert spec.training.most_epochs * spec.training.steps_per_epoch == 8_000


def test_recurrent_networks_stand_in_one_experiment_for_comparisons_are_made_within_one() -> None:
    asked = experiments(SpanStudy(scale="full"))
    assert {name: spec.models for name, spec in asked.items()} == dict(MODELS)


def test_the_quick_scale_leaves_long_sequences_and_convolutions_out() -> None:
    (spec,) = experiments(SpanStudy(scale="quick")).values()
    assert set(spec.models) == {RNN_8, IRNN_8, LSTM_8, CHRONO_8, GRU_8}
    assert spec.lengths == QUICK


def test_what_is_said_is_supported_when_it_is_so() -> None:
    found = judge({})
    told = {key: str(each.verdict) for key, each in found.items() if each.claim.source == "article"}
    assert told == dict.fromkeys(told, "supported")
    assert str(found["task-decides"].verdict) == "contradicted"


def test_a_chrono_lstm_is_farther_when_the_plain_one_fails_earlier() -> None:
    found = judge({LSTM_8: (100, 178)})
    assert str(found["chrono-farther-adding"].verdict) == "supported"
    assert str(found["chrono-farther-latch"].verdict) == "supported"


@pytest.mark.parametrize(
    ("id", "changes"),
    [
        ("rnn-no-more-than-20-latch", {RNN_8: (10, 100)}),
        ("rnn-no-less-than-5-adding", {RNN_8: (0, 10)}),
        ("lstm-up-to-1000-adding", {LSTM_8: (100, 700)}),
        ("irnn-like-lstm-adding", {IRNN_8: (32, 600)}),
        ("chrono-farther-latch", {CHRONO_8: (900, 178)}),
    ],
)
def test_what_is_said_is_contradicted_when_it_is_not_so(id: str, changes: Spans) -> None:
    assert str(judge(changes)[id].verdict) == "contradicted"


def test_a_task_decides_when_the_spans_differ() -> None:
    assert str(judge({RNN_8: (10, 100)})["task-decides"].verdict) == "supported"


def test_two_networks_that_solve_every_length_are_not_told_apart() -> None:
    found = judge({LSTM_8: (1000, 1000), CHRONO_8: (1000, 1000)})["chrono-farther-adding"]
    assert str(found.verdict) == "inconclusive"
    assert "nothing is known of their ratio" in found.reason


def test_an_lstm_beyond_the_longest_length_reaches_500_steps() -> None:
    found = judge({LSTM_8: (1000, 1000)})["lstm-up-to-1000-latch"]
    assert str(found.verdict) == "supported"
    assert "1000 steps or more" in found.reason


def test_the_quick_scale_says_that_it_does_not_reach_500_steps() -> None:
    found = judge({}, "quick")["lstm-up-to-1000-adding"]
    assert str(found.verdict) == "inconclusive"
    assert found.reason == "The memory span may reach beyond 40 steps, the longest that the quick scale tests."


def test_the_quick_scale_can_contradict_what_fails_within_its_lengths() -> None:
    assert str(judge({LSTM_8: (18, 700)}, "quick")["lstm-up-to-1000-adding"].verdict) == "contradicted"
