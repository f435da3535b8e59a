"""The study of architectures: sound experiments, models of one size, and verdicts that follow from accuracies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from memspan.claims.study import Scale
from memspan.engine.condition import Condition
from memspan.experiment.fleet import Fleet
from memspan.experiment.grid import conditions
from memspan.experiment.matching import TOLERANCE, matched
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.studies import experiments
from memspan.studies.architectures import (
    HURRIED,
    MODELS,
    PARAMETERS,
    RATES,
    RECALLS,
    STATE,
    STEPS,
    TASKS,
    ArchitecturesStudy,
)
from tests.unit.studies.made_evidence import verdicts

AS_SAID: dict[str, float] = {
    "attention": 0.95,
    "delta_net": 0.9,
    "gated_linear_attention": 0.8,
    "mamba": 0.8,
    "s4d": 0.4,
    "lstm": 0.5,
}
"""how often a model of equal parameters is right on any task"""
OF_EQUAL_STATES = {**AS_SAID, "attention": 0.6}


def found(scale: Scale, name: str) -> ExperimentSpec:
    return matched(experiments(ArchitecturesStudy(scale=scale))[name], Limits()).spec


def scored(changes: Mapping[str, float], of_equal_states: Mapping[str, float]) -> Any:
    """Runs that are right as often as said; all of them memorize."""

    def metrics(condition: Condition, repeat: int) -> dict[str, float]:
        if condition.task == TASKS["memorization"]:
            return {"test_accuracy": 1.0}
        match = condition.model.match
        said = of_equal_states if match and match.goal == "state_size" else changes
        return {"test_accuracy": said[condition.model.kind] + 0.001 * repeat}

    return metrics


def judge(scale: Scale = "full", states: Mapping[str, float] = OF_EQUAL_STATES, **changes: float) -> dict[str, Any]:
    return verdicts(ArchitecturesStudy(scale=scale), scored({**AS_SAID, **changes}, states))


@pytest.mark.parametrize(("scale", "seconds"), [("quick", 60), ("full", 17 * 60)])
def test_a_scale_takes_no_longer_than_it_may_were_every_run_trained_to_the_end(scale: Scale, seconds: float) -> None:
    """Runs that have solved their task end before: recall takes half of the steps or less."""
    asked = [found(scale, name) for name in (PARAMETERS, STATE)]
    assert sum(plan(Placements(spec), Fleet(workers=2)).estimated_seconds for spec in asked) <= seconds


@pytest.mark.parametrize("name", [PARAMETERS, STATE])
def test_every_model_has_the_size_that_all_are_matched_to(name: str) -> None:
    spec = found("full", name)
    for place in conditions(spec):
        network = place.network()
        size = network.inner_parameters if name == PARAMETERS else network.state_size
        assert place.model.match
        assert abs(size / place.model.match.wanted - 1) <= TOLERANCE, (place.model.kind, place.task.kind)


def test_all_six_tasks_are_asked_of_all_models_at_one_length_and_rates_are_chosen_for_each() -> None:
    for spec in experiments(ArchitecturesStudy(scale="full")).values():
        assert {model.kind for model in spec.models} == set(MODELS)
        assert spec.tasks == tuple(TASKS.values())
        assert spec.lengths == (STEPS,)
        assert spec.training.tuned == {"learning_rate": RATES}
        assert spec.training.data == "fresh"
        assert spec.training.until_converged


def test_the_quick_scale_has_two_models_and_fewer_steps() -> None:
    for spec in experiments(ArchitecturesStudy(scale="quick")).values():
        assert {model.kind for model in spec.models} == set(HURRIED)
        assert spec.training.most_epochs * spec.training.steps_per_epoch == 100


def test_what_is_said_is_supported_when_it_is_so() -> None:
    told = {key: str(each.verdict) for key, each in judge().items()}
    assert told == dict.fromkeys(told, "supported")


@pytest.mark.parametrize(
    ("id", "changes"),
    [
        ("attention-recalls", {"attention": 0.8}),
        ("lstm-recalls-less", {"lstm": 0.93}),
        ("selection-copies", {"s4d": 0.75}),
    ],
)
def test_what_is_said_of_equal_parameters_is_contradicted_when_it_is_not_so(id: str, changes: dict[str, float]) -> None:
    assert str(judge(**changes)[id].verdict) == "contradicted"


@pytest.mark.parametrize(
    ("id", "changes"),
    [
        ("state-decides-recall", {"attention": 1.0}),
        ("correcting-beats-fading", {"gated_linear_attention": 0.9}),
        ("size-decides", {"attention": 0.95}),
    ],
)
def test_what_is_said_of_equal_states_is_contradicted_when_it_is_not_so(id: str, changes: dict[str, float]) -> None:
    assert str(judge(states={**OF_EQUAL_STATES, **changes})[id].verdict) == "contradicted"


def test_weights_do_not_memorize_alike_when_one_model_does_worse() -> None:
    def metrics(condition: Condition, repeat: int) -> dict[str, float]:
        return {"test_accuracy": 0.5 if condition.model.kind == "lstm" else 1.0}

    found = verdicts(ArchitecturesStudy(scale="full"), metrics)["weights-memorize"]
    assert (str(found.verdict), found.measured and found.measured.value) == ("contradicted", 0.5)


def test_a_run_that_diverged_counts_as_a_guess() -> None:
    def metrics(condition: Condition, repeat: int) -> dict[str, float]:
        return {"test_accuracy": float("nan") if repeat == 0 else 1.0}

    (guess,) = (
        each.value for each in TASKS["recall"].baselines(STEPS) if each.name == "chance" and "acc" in each.metric
    )
    found = verdicts(ArchitecturesStudy(scale="full"), metrics)["attention-recalls"].measured
    assert found is not None
    assert (found.value, found.n) == (pytest.approx((4 + guess) / 5), 5)


def test_the_quick_scale_says_which_models_it_leaves_out() -> None:
    found = judge("quick")
    assert str(found["state-decides-recall"].verdict) == "supported"
    assert found["lstm-recalls-less"].reason == "The experiment 'equal parameters' has no lstm at this scale."


def test_recall_is_asked_in_three_ways() -> None:
    assert [TASKS[name].kind for name in RECALLS] == ["noisy_recall", "noisy_recall", "fuzzy_recall"]


def test_the_published_scale_has_the_sizes_of_the_source_and_wants_a_gpu() -> None:
    asked = experiments(ArchitecturesStudy(scale="published"))
    assert {spec.lengths: len(spec.tasks) for spec in asked.values()} == {(128,): 3, (256,): 1, (32,): 2}
    for spec in asked.values():
        assert spec.device == "gpu"
        assert spec.training.train_size == 12_800
        assert matched(spec, Limits()).flaws == ()
