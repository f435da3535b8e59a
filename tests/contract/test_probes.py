"""What every probe owes."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.interfaces.json_numbers import jsonable
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.readings import Curve, Scalars
from memspan.interfaces.task import TaskSpec
from memspan.models import build, model
from memspan.probes import measure, probe
from memspan.tasks import task
from tests.contract.variants import fewest_units, named, variants

FEW = {"sequences": 8, "trials": 40, "n_steps": 4, "batch_size": 8, "batches": 2, "points": 10, "lengths": (9, 12)}
FEW |= {"steps": 20, "transient": 5, "lags": 10, "runs": 3}
"""what a probe asks for in numbers, small enough to ask it about every task"""


def few(spec: ProbeSpec) -> ProbeSpec:
    """The same question with small numbers."""
    return spec.model_copy(update={name: value for name, value in FEW.items() if name in type(spec).model_fields})


PROBES = [few(variant) for spec in probe.specs() for variant in variants(spec)]
LONGEST = 100
TASKS = [
    variant
    for spec in task.specs()
    for variant in variants(spec)
    if variant.signature(variant.minimum_length).length <= LONGEST  # pictures by pixels would take minutes
]
each_probe = pytest.mark.parametrize("spec", PROBES, ids=named)
each_task = pytest.mark.parametrize("asked", TASKS, ids=named)
LENGTH = 8


def length_of(asked: TaskSpec) -> int:
    return max(LENGTH, asked.minimum_length) if asked.has_length else asked.minimum_length


def models(spec: ProbeSpec, asked: TaskSpec, members: int, spoilt: int | None = None) -> Predictor:
    """A population of untrained networks; the weights of ``spoilt`` are NaN, as after a divergence."""
    signature = asked.signature(length_of(asked))
    networks = (build(kind(**fewest_units(kind)), signature) for kind in map(model.spec, ("lstm", "attention")))
    network = next(each for each in networks if spec.refusal(asked, length_of(asked), each) is None)
    weights = stack([network.initialize(stream(member)) for member in range(members)])
    if spoilt is not None:
        for weight in weights.values():
            weight[spoilt] = torch.nan
    return trained(network, weights, signature)


def reading(spec: ProbeSpec, asked: TaskSpec, members: int, spoilt: int | None = None) -> Any:
    return measure(spec, models(spec, asked, members, spoilt), asked, length_of(asked), stream("probe"))


def applies(spec: ProbeSpec, asked: TaskSpec) -> bool:
    return spec.refusal(asked, length_of(asked)) is None and not spec.misplaced(length_of(asked))


@each_probe
@each_task
def test_a_probe_that_does_not_apply_says_why_in_a_sentence(spec: ProbeSpec, asked: TaskSpec) -> None:
    objection = spec.refusal(asked, length_of(asked))
    assert objection is None or (objection.endswith(".") and objection[0].isupper() and asked.kind in objection)


@each_probe
def test_a_probe_applies_to_some_task(spec: ProbeSpec) -> None:
    assert any(applies(spec, asked) for asked in TASKS)


@each_probe
@each_task
@pytest.mark.parametrize("members", [1, 4])
def test_a_reading_is_a_document_with_n_and_an_interval_around_its_value(
    spec: ProbeSpec, asked: TaskSpec, members: int
) -> None:
    if not applies(spec, asked):
        return
    found = reading(spec, asked, members)
    text = json.loads(json.dumps(jsonable(found.document()), allow_nan=False))
    assert text["kind"] in ("scalars", "curve", "surface")
    assert found.n == members if members > 1 and spec.asks_weights and not spec.one_repeat else found.n >= 1
    if isinstance(found, Scalars):
        assert found.values
        assert found.values.keys() == found.low.keys() == found.high.keys() == found.units.keys()
        for name, value in found.values.items():
            assert found.low[name] <= value <= found.high[name]
    if isinstance(found, Curve):
        assert len(found.x) == len(found.y) == len(found.low) == len(found.high)
        assert list(found.x) == sorted(set(found.x))
        for low, value, high in zip(found.low, found.y, found.high, strict=True):
            assert low <= value <= high or math.isnan(value)


@each_probe
@each_task
def test_equal_questions_get_equal_answers(spec: ProbeSpec, asked: TaskSpec) -> None:
    if applies(spec, asked) and spec.repeatable:
        assert reading(spec, asked, 3).document() == reading(spec, asked, 3).document()


@each_probe
@each_task
def test_a_diverged_member_is_left_out_and_n_says_so(spec: ProbeSpec, asked: TaskSpec) -> None:
    if not applies(spec, asked):
        return
    found = reading(spec, asked, 3, spoilt=2)
    assert found.n == 2 or not spec.asks_weights or spec.one_repeat
    if isinstance(found, Scalars) and spec.repeatable:
        assert dict(found.values) == pytest.approx(dict(reading(spec, asked, 2).values), rel=1e-6)


@each_probe
@each_task
def test_a_model_of_nothing_but_nan_gives_nan_and_no_error(spec: ProbeSpec, asked: TaskSpec) -> None:
    if not applies(spec, asked):
        return
    found = reading(spec, asked, 1, spoilt=0)
    json.dumps(jsonable(found.document()), allow_nan=False)


@each_probe
def test_steps_that_a_probe_names_are_checked_against_the_length(spec: ProbeSpec) -> None:
    for name in spec.indices():
        for step, fits in ((0, True), (-LENGTH, True), (LENGTH - 1, True), (LENGTH, False), (-LENGTH - 1, False)):
            moved = spec.model_copy(update={name: step})
            assert (name not in moved.misplaced(LENGTH)) == fits
