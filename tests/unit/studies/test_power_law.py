"""The study of power-law forgetting: sound experiments, and verdicts that follow from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from memspan.claims.study import Scale
from memspan.claims.verdict import Judgement
from memspan.engine.condition import Condition
from memspan.experiment.flaws import flaws
from memspan.experiment.fleet import Fleet
from memspan.experiment.grid import conditions
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.interfaces.model import ModelSpec
from memspan.models import build
from memspan.studies import experiments
from memspan.studies.power_law import BUDGETS, CHRONO, FIXED, LEARNT, MODELS, PLAIN, PowerLawStudy
from memspan.tasks.first_last import FirstLast
from tests.unit.studies.made_evidence import verdicts

FULL, QUICK = PowerLawStudy(scale="full"), PowerLawStudy(scale="quick")
ERRORS: Mapping[ModelSpec, float] = {PLAIN: 1.0, CHRONO: 0.1, FIXED: 0.01, LEARNT: 0.001}
"""as the claims would have them"""


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_experiment_is_sound_and_can_be_planned(scale: Scale) -> None:
    for name, spec in experiments(PowerLawStudy(scale=scale)).items():
        assert flaws(spec, Limits()) == [], name
        assert plan(Placements(spec), Fleet(workers=2)).estimated_seconds > 0


def test_the_full_scale_has_both_budgets_of_steps_and_three_lengths() -> None:
    asked = experiments(FULL)
    for budget, steps in BUDGETS.items():
        training = asked[budget].training
        assert training.epochs * training.steps_per_epoch == steps
        assert {place.extent for place in conditions(asked[budget])} == {50, 100, 200}
    assert all(spec.repeats == 10 and spec.models == MODELS for spec in asked.values())


def test_training_is_that_of_the_authors_code() -> None:
    for spec in experiments(FULL).values():
        assert spec.training.optimizer.model_dump()["rho"] == 0.9
        assert (spec.training.batch_size, spec.training.clip_norm) == (128, 1.0)


def test_all_four_models_have_sixteen_units_and_nearly_as_many_weights() -> None:
    parameters = {model: build(model, FirstLast().signature(100)).parameters for model in MODELS}
    assert parameters == {PLAIN: 1_169, CHRONO: 1_169, FIXED: 881, LEARNT: 897}


def laws(model: ModelSpec) -> float:
    """AIC of an exponential minus that of a power law, as the claims would have it."""
    return 50.0 if model in (FIXED, LEARNT) else -50.0


def readings(law: Callable[[ModelSpec], float]) -> Callable[[ExperimentSpec], list[Mapping[str, Any]]]:
    """What the probes of an experiment would have stored, with an interval of 1 to either side."""

    def found(spec: ExperimentSpec) -> list[Mapping[str, Any]]:
        return [
            {
                "kind": probe.kind,
                "spec": probe.model_dump(mode="json"),
                "task": place.task.model_dump(mode="json"),
                "model": place.model.model_dump(mode="json"),
                "length": place.length,
                "state": "succeeded",
                "result": {"scores": _scores(law(place.model)), "n": spec.repeats},
            }
            for place in conditions(spec)
            for probe in spec.probes
        ]

    return found


def _scores(value: float) -> dict[str, float]:
    return {"aic_difference": value, "aic_difference_low": value - 1, "aic_difference_high": value + 1}


def judge(
    study: PowerLawStudy = FULL,
    errors: Mapping[ModelSpec, float] = ERRORS,
    law: Callable[[ModelSpec], float] = laws,
) -> dict[str, Judgement]:
    def ended(condition: Condition, repeat: int) -> dict[str, float]:
        error = errors[condition.model] * (1 + repeat / 1_000)
        return {"test_loss": error, "test_accuracy": 0.125 + 0.5 * (condition.model == FIXED)}

    return verdicts(study, ended, readings=readings(law))


def verdict(found: Mapping[str, Judgement]) -> dict[str, str]:
    return {key: str(each.verdict) for key, each in found.items()}


def test_all_claims_are_supported_by_what_they_say() -> None:
    found = judge()
    assert verdict(found) == dict.fromkeys(found, "supported")
    assert found["power-law-ahead-at-200"].measured is not None
    assert found["power-law-ahead-at-200"].measured.value == pytest.approx(2, abs=0.01)


def test_the_opposite_contradicts_them() -> None:
    found = judge(errors=dict.fromkeys(ERRORS, 1.0), law=lambda model: -laws(model))
    copying = "power-law-copies-better"
    assert {key: each for key, each in verdict(found).items() if key != copying} == {
        key: "contradicted" for key in found if key != copying
    }


def test_a_lead_that_one_budget_does_not_show_is_none() -> None:
    """Ahead after the short training, level after the long one."""

    def ended(condition: Condition, repeat: int) -> dict[str, float]:
        steps = condition.training.epochs * condition.training.steps_per_epoch
        return {"test_loss": ERRORS[condition.model] if steps == BUDGETS["short"] else 0.01, "test_accuracy": 0.5}

    found = verdicts(FULL, ended, readings=readings(laws))["power-law-ahead-at-100"]
    assert str(found.verdict) == "contradicted"
    assert found.reason == "After the long training."


def test_runs_that_diverged_count_as_those_that_learnt_nothing() -> None:
    found = judge(errors={**ERRORS, PLAIN: float("nan")})["power-law-ahead-at-100"]
    assert found.measured is not None
    assert found.measured.value == pytest.approx(2.3, abs=0.02)


def test_laws_that_fit_alike_are_not_told_apart() -> None:
    found = judge(law=lambda model: 2.5 if model in (FIXED, LEARNT) else -2.5)
    assert verdict(found)["power-law-falls-as-a-power-law"] == "inconclusive"
    assert verdict(found)["lstm-falls-exponentially"] == "inconclusive"


def test_the_quick_scale_leaves_open_what_needs_200_steps() -> None:
    found = judge(QUICK)
    assert {key for key, each in found.items() if each.measured is None} == {"power-law-ahead-at-200"}
    assert "length 200" in found["power-law-ahead-at-200"].reason
