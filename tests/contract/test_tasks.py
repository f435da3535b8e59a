"""What every task owes."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.experiment.report import Metric
from memspan.parts.signature import Problem
from memspan.parts.task import TaskSpec
from memspan.tasks import sample, task
from tests.contract.variants import named, variants

TASKS = [variant for spec in task.specs() for variant in variants(spec)]
each_task = pytest.mark.parametrize("spec", TASKS, ids=named)


def lengths(spec: TaskSpec) -> tuple[int, ...]:
    return (spec.minimum_length, spec.minimum_length + 5, 40) if spec.has_length else (spec.minimum_length,)


@each_task
def test_sequences_and_targets_have_the_shape_and_type_of_the_signature(spec: TaskSpec) -> None:
    for length in lengths(spec):
        signature = spec.signature(length)
        batch = sample(spec, length, 7, stream(1))
        assert batch.inputs.shape == (7, length, signature.channels)
        assert batch.inputs.dtype == torch.float32
        if signature.problem is Problem.REGRESSION:
            assert batch.targets.shape == (7, signature.outputs)
            assert batch.targets.dtype == torch.float32
        else:
            assert batch.targets.shape == (7,)
            assert batch.targets.dtype == torch.int64
            assert int(batch.targets.min()) >= 0
            assert int(batch.targets.max()) < signature.outputs


@each_task
def test_one_sequence_can_be_drawn_and_all_numbers_are_finite(spec: TaskSpec) -> None:
    for length in lengths(spec):
        for count in (1, 2_000):
            batch = sample(spec, length, count, stream(2))
            assert len(batch) == count
            assert batch.inputs.isfinite().all()
            assert batch.targets.isfinite().all()


@each_task
def test_equal_seeds_draw_equal_sequences_and_others_do_not(spec: TaskSpec) -> None:
    first, again, other = (sample(spec, 10, 20, stream(seed)) for seed in (3, 3, 4))
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.targets, again.targets)
    assert not torch.equal(first.inputs, other.inputs)


@each_task
def test_drawing_leaves_the_global_generator_alone(spec: TaskSpec) -> None:
    before = torch.get_rng_state()
    sample(spec, 10, 20, stream(3))
    assert torch.equal(before, torch.get_rng_state())


@each_task
def test_relevant_steps_lie_inside_the_sequence_once_each(spec: TaskSpec) -> None:
    for length in lengths(spec):
        steps = spec.relevant_steps(length)
        assert steps
        assert len(set(steps)) == len(steps)
        assert all(0 <= step < length for step in steps)


@each_task
def test_baselines_name_metrics_that_a_run_reports(spec: TaskSpec) -> None:
    known = set(Metric.__args__)
    for length in lengths(spec):
        baselines = spec.baselines(length)
        assert len({baseline.name for baseline in baselines}) == len(baselines) > 0
        for baseline in baselines:
            assert baseline.metric in known
            assert math.isfinite(baseline.value)
            assert "accuracy" not in baseline.metric or spec.is_classification(length)


@each_task
def test_a_target_variance_is_given_for_regressions_alone_and_is_true(spec: TaskSpec) -> None:
    """n = 40 000 targets; the bound is 5 standard errors of a variance (kurtosis measured): false alarm 6e-7 a case."""
    length = lengths(spec)[-1]
    variance = spec.target_variance(length)
    assert (variance is None) == spec.is_classification(length)
    if variance is None:
        return
    targets = sample(spec, length, 40_000, stream(5)).targets.double()
    deviations = (targets - targets.mean(0)).square()
    standard_error = float(deviations.mean(1).std() / math.sqrt(len(deviations)))
    assert abs(float(deviations.mean()) - variance) < 5 * standard_error


@each_task
def test_steps_outside_the_relevant_ones_say_nothing_of_the_answer(spec: TaskSpec) -> None:
    """Correlation of each irrelevant step with the answer, n = 20 000: within 6 / sqrt(n), false alarm 1e-6."""
    length = lengths(spec)[-1]
    batch = sample(spec, length, 20_000, stream(6))
    answer = batch.targets.double().reshape(len(batch), -1)[:, :1]
    answer = (answer - answer.mean()) / answer.std()
    steps = [step for step in range(length) if step not in spec.relevant_steps(length)]
    inputs = batch.inputs[:, steps].double()
    inputs = (inputs - inputs.mean(0)) / inputs.std(0).clamp_min(1e-9)
    correlations = (inputs * answer.unsqueeze(1)).mean(0)
    assert float(correlations.abs().max()) < 6 / math.sqrt(len(batch))


@each_task
def test_the_minimum_length_is_a_length_of_the_task(spec: TaskSpec) -> None:
    assert spec.minimum_length >= 1
    assert spec.signature(spec.minimum_length).length == spec.minimum_length
