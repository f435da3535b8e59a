"""The study of cliffs: sound experiments, and verdicts that follow from the landscapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from memspan.claims.study import Scale
from memspan.engine.condition import Condition
from memspan.experiment.flaws import flaws
from memspan.experiment.fleet import Fleet
from memspan.experiment.grid import conditions
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.models import build
from memspan.studies import experiments
from memspan.studies.cliffs import AXES, LENGTHS, MODELS, REPEATS, CliffsStudy, rank_correlation
from tests.unit.studies.made_evidence import verdicts

Steepness = Callable[[Condition, int], float]
"""largest gradient of a condition's repeat"""


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_experiment_is_sound_and_can_be_planned(scale: Scale) -> None:
    for name, spec in experiments(CliffsStudy(scale=scale)).items():
        assert flaws(spec, Limits()) == [], name
        assert plan(Placements(spec), Fleet(workers=2)).estimated_seconds > 0


def test_the_axes_are_the_recurrent_weight_and_the_bias_that_are_said() -> None:
    for name, model in MODELS.items():
        weights = build(model, conditions(experiments(CliffsStudy())[name])[0].signature).weights
        for axis in AXES[name]:
            weight, _, place = axis.rstrip("]").partition("[")
            assert int(place) < np.prod(weights[weight].shape)


def test_the_published_window_is_looked_at_with_121_points_a_side() -> None:
    (window,) = experiments(CliffsStudy(scale="full"))["map"].probes
    found = window.model_dump()
    assert (found["x_center"] - found["span"], found["x_center"] + found["span"]) == (4.0, 7.0)
    assert (found["y_center"] - found["y_span"], found["y_center"] + found["y_span"]) == pytest.approx((-3.2, -1.6))
    assert found["points"] == 121


def readings(steepness: Steepness) -> Any:
    """What the landscape probes of an experiment would have stored."""

    def found(spec: ExperimentSpec) -> list[Mapping[str, Any]]:
        return [
            {
                "kind": probe.kind,
                "spec": probe.model_dump(mode="json"),
                "task": place.task.model_dump(mode="json"),
                "model": place.model.model_dump(mode="json"),
                "length": place.length,
                "state": "succeeded",
                "result": {"scores": {"largest_gradient": steepness(place, repeat)}},
            }
            for place in conditions(spec)
            for repeat, probe in enumerate(spec.probes)
        ]

    return found


def judge(steepness: Steepness, scale: Scale = "full") -> dict[str, Any]:
    return verdicts(CliffsStudy(scale=scale), lambda condition, repeat: {}, readings=readings(steepness))


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_walls_that_grow_with_the_length_support_every_claim(scale: Scale) -> None:
    found = judge(lambda condition, repeat: condition.extent * (1 + repeat), scale)
    assert {key: str(each.verdict) for key, each in found.items()} == dict.fromkeys(found, "supported")
    assert found["walls-of-the-rnn"].measured.value == pytest.approx(40)
    assert found["walls-of-the-rnn"].measured.n == REPEATS


def test_walls_that_sink_with_the_length_contradict_every_claim() -> None:
    found = judge(lambda condition, repeat: (1 + repeat) / condition.extent)
    assert {key: str(each.verdict) for key, each in found.items()} == dict.fromkeys(found, "contradicted")


def test_walls_that_grow_in_half_of_the_repeats_are_inconclusive() -> None:
    found = judge(lambda condition, repeat: 1.0 if repeat % 2 else condition.extent)
    assert str(found["walls-of-the-rnn"].verdict) == "inconclusive"


def test_without_landscapes_nothing_is_measured() -> None:
    found = verdicts(CliffsStudy(), lambda condition, repeat: {})
    assert all("The probe landscape" in each.reason for each in found.values())


def test_a_rank_correlation_counts_the_order_only() -> None:
    rising, falling = [np.array([x]) for x in (1.0, 2.0, 50.0)], [np.array([x]) for x in (3.0, 2.0, 1.0)]
    assert rank_correlation(*rising).tolist() == [1.0]
    assert rank_correlation(*falling).tolist() == [-1.0]
    assert len(LENGTHS) == 5
