"""The study of first and last: sound experiments, and verdicts that follow from what was measured."""

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
from memspan.interfaces.probe import ProbeSpec
from memspan.models import build
from memspan.optimizers.rmsprop import RMSprop
from memspan.probes.blinding import Blinding
from memspan.probes.change import Change
from memspan.probes.latency import Latency
from memspan.studies import experiments
from memspan.studies.first_last import (
    BEYOND,
    CHRONO,
    CONVOLUTION,
    FIRST_ALONE,
    LAST,
    LENGTHS,
    REACHING,
    RECURRENT,
    FirstLastStudy,
)
from tests.unit.studies.made_evidence import verdicts

FULL, QUICK = FirstLastStudy(scale="full"), FirstLastStudy(scale="quick")
LEFT_TO_THE_FULL_SCALE = {"dilated-reaching-is-not-enough", "chrono-carries"}
SCATTER = 1e-6
"""between repeats, so that intervals are not points"""


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_experiment_is_sound_and_can_be_planned(scale: Scale) -> None:
    for name, spec in experiments(FirstLastStudy(scale=scale)).items():
        assert flaws(spec, Limits()) == [], name
        assert plan(Placements(spec), Fleet(workers=2)).estimated_seconds > 0


def test_the_full_scale_trains_as_the_article_did_and_repeats_it_ten_times() -> None:
    asked = experiments(FULL)
    assert {place.extent for place in conditions(asked["article"])} == set(LENGTHS)
    for spec in asked.values():
        training = spec.training
        assert training.optimizer == RMSprop(learning_rate=1e-3, rho=0.9, epsilon=1e-7)
        assert (training.batch_size, training.epochs * training.steps_per_epoch, training.data) == (256, 3_000, "fresh")
        assert (spec.repeats, spec.report.checkpoint) == (10, "best")
    assert sum(plan(Placements(spec)).runs for spec in asked.values()) == 10 * (2 * 12 + 2 + 2 * 3)


def test_models_are_those_of_the_article() -> None:
    task = experiments(FULL)["article"].tasks[0]
    assert build(RECURRENT, task.signature(69)).parameters == 687
    assert build(CONVOLUTION, task.signature(69)).parameters == 221
    fields = {model: build(model, task.signature(100)).receptive_field for model in (REACHING, BEYOND)}
    assert fields == {REACHING: 121, BEYOND: 249}


def knows(condition: Condition) -> float:
    """Errors as the claims would have them."""
    forgets = condition.model == REACHING or (condition.model == RECURRENT and condition.extent >= 69)
    return 1.0 if forgets else 0.001


Reading = Callable[[ProbeSpec, Condition], float]


def seen(probe: ProbeSpec, place: Condition) -> float:
    """Answers to probes, as the claims would have them: the LSTM sees the last step alone and is slow."""
    if isinstance(probe, Change):
        return 50.0 if probe == LAST else 0.0
    if isinstance(probe, Blinding):
        return 0.285 if probe == FIRST_ALONE else 0.0
    return 30.0 if place.model == RECURRENT else 1.0


NAMES = {Change: "median_change", Blinding: "mean_squared_error", Latency: "milliseconds"}


def readings(reading: Reading) -> Callable[[ExperimentSpec], list[Mapping[str, Any]]]:
    """What the probes of an experiment would have stored, with an interval of a tenth to either side."""

    def found(spec: ExperimentSpec) -> list[Mapping[str, Any]]:
        return [
            {
                "kind": probe.kind,
                "spec": probe.model_dump(mode="json"),
                "task": place.task.model_dump(mode="json"),
                "model": place.model.model_dump(mode="json"),
                "length": place.length,
                "state": "succeeded",
                "result": _scalars(NAMES[type(probe)], reading(probe, place), spec.repeats),
            }
            for place in conditions(spec)
            for probe in spec.probes
        ]

    return found


def _scalars(name: str, value: float, n: int) -> dict[str, Any]:
    return {"values": {name: value}, "low": {name: 0.9 * value}, "high": {name: 1.1 * value}, "n": n}


def judge(
    study: FirstLastStudy = FULL,
    errors: Callable[[Condition], float] = knows,
    reading: Reading = seen,
    seconds: Callable[[Condition], float] = lambda place: 3.0 if place.model == RECURRENT else 1.0,
) -> dict[str, Judgement]:
    def ended(condition: Condition, repeat: int) -> dict[str, float]:
        return {"test_loss": errors(condition) * (1 + SCATTER * repeat)}

    return verdicts(study, ended, seconds=seconds, readings=readings(reading))


def verdict(found: Mapping[str, Judgement]) -> dict[str, str]:
    return {key: str(each.verdict) for key, each in found.items()}


def test_all_claims_are_supported_by_what_they_say() -> None:
    found = judge()
    assert verdict(found) == dict.fromkeys(found, "supported")
    assert found["convolution-answers-faster"].measured is not None
    assert found["convolution-answers-faster"].measured.value == pytest.approx(30)


def test_an_lstm_that_remembers_and_networks_that_do_not_contradict_them() -> None:
    def otherwise(place: Condition) -> float:
        return 0.001 if place.model in (RECURRENT, REACHING) else 1.0

    def seen_otherwise(probe: ProbeSpec, place: Condition) -> float:
        return {Change: 25.0, Blinding: 0.001, Latency: 1.0}[type(probe)]

    found = judge(errors=otherwise, reading=seen_otherwise, seconds=lambda place: 1.0)
    open_intervals = {"last-over-first"}  # a difference of two equal readings spans 0 and 1
    assert {key for key, each in verdict(found).items() if each != "contradicted"} == open_intervals


def test_the_worst_length_of_the_convolution_decides_and_is_named() -> None:
    found = judge(errors=lambda place: 0.03 if (place.model, place.extent) == (CONVOLUTION, 40) else knows(place))
    claim = found["convolution-stays-accurate"]
    assert str(claim.verdict) == "contradicted"
    assert claim.reason == "Length 40."


def test_one_exploded_run_in_ten_does_not_rule() -> None:
    def ended(condition: Condition, repeat: int) -> dict[str, float]:
        return {"test_loss": 7e7 if repeat == 3 else knows(condition) * (1 + SCATTER * repeat)}

    found = verdicts(FULL, ended, readings=readings(seen))
    assert str(found["convolution-stays-accurate"].verdict) == "supported"
    assert str(found["dilated-beyond"].verdict) == "supported"


def test_an_lstm_whose_memory_fades_slowly_has_no_edge_at_69() -> None:
    """Half of the runs use the first step at either length."""

    def ended(condition: Condition, repeat: int) -> dict[str, float]:
        return {"test_loss": (0.1, 1.0)[repeat % 2]}

    found = verdicts(FULL, ended, readings=readings(seen))["sixty-eight-works-sixty-nine-fails"]
    assert found.measured is not None
    assert found.measured.value == 0
    assert str(found.verdict) == "contradicted"


def test_runs_that_diverged_use_nothing() -> None:
    found = judge(errors=lambda place: float("nan") if place.model in (CONVOLUTION, CHRONO) else knows(place))
    assert verdict(found)["convolution-stays-accurate"] == "contradicted"
    assert verdict(found)["chrono-carries"] == "contradicted"


def test_the_quick_scale_leaves_open_what_it_does_not_run() -> None:
    found = judge(QUICK)
    assert {key for key, each in found.items() if each.measured is None} == LEFT_TO_THE_FULL_SCALE
    assert all("quick scale" in found[key].reason for key in LEFT_TO_THE_FULL_SCALE)
    assert set(verdict(found).values()) <= {"supported", "inconclusive"}, "three repeats leave shares open"


def test_without_probes_nothing_is_said_of_them() -> None:
    found = verdicts(FULL, lambda condition, repeat: {"test_loss": knows(condition)})
    missing = {key for key, each in found.items() if each.measured is None}
    assert missing == {"last-over-first", "blind-to-the-first", "convolution-answers-faster"}
