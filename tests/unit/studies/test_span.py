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
    FULL,
    GRU_8,
    IRNN_8,
    LSTM_8,
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
def test_the_quick_scale_is_planned_for_less_than_a_minute() -> None:
    asked = experiments(SpanStudy(scale="quick")).values()
    assert sum(plan(Placements(spec), Fleet(workers=2)).estimated_seconds for spec in asked) < 45


def test_every_model_is_trained_with_its_own_rate_on_both_tasks_for_8_000_steps() -> None:
    places = [(place, spec) for spec in experiments(SpanStudy(scale="full")).values() for place in conditions(spec)]
    assert {(place.model, place.task) for place, _ in places} == {(m, t) for m in RATES for t in TASKS.values()}
    for place, spec in places:
        assert spec.training.optimizer.learning_rate == RATES[place.model]
        assert spec.training.epochs * spec.training.steps_per_epoch == 8_000
    assert {place.length for place, _ in places if place.model == LSTM_8} == set(FULL)


def test_experiments_are_named_after_their_models_for_tables_of_one_experiment_tell_only_differences() -> None:
    asked = experiments(SpanStudy(scale="full"))
    assert list(asked) == ["rnn, lstm, chrono lstm, gru at rate 0.01", "irnn at rate 0.003", "tcn at rate 0.01"]
    assert [spec.models[0] for spec in asked.values()] == [RNN_8, IRNN_8, TCN_8]


def test_the_quick_scale_leaves_long_sequences_and_convolutions_out() -> None:
    places = [place for spec in experiments(SpanStudy(scale="quick")).values() for place in conditions(spec)]
    assert {place.model for place in places} == set(RATES) - {TCN_8}
    assert {place.length for place in places} == set(QUICK)


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
    assert found.reason == "The memory span may reach beyond 56 steps, the longest that the quick scale tests."


def test_the_quick_scale_can_contradict_what_fails_within_its_lengths() -> None:
    assert str(judge({LSTM_8: (18, 700)}, "quick")["lstm-up-to-1000-adding"].verdict) == "contradicted"
