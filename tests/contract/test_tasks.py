"""What every task owes."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.engine.scores import losses
from memspan.engine.seeds import stream
from memspan.experiment.report import Metric
from memspan.experiment.run import SpecImpossible, parse
from memspan.interfaces.batch import IGNORED
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import TaskSpec
from memspan.tasks import parts, sample, sample_in_parts, task, values_each
from tests.contract.variants import named, variants

TASKS = [variant for spec in task.specs() for variant in variants(spec)]
each_task = pytest.mark.parametrize("spec", TASKS, ids=named)


def lengths(spec: TaskSpec) -> tuple[int, ...]:
    return (spec.minimum_length, spec.minimum_length + 5, 40) if spec.has_length else (spec.minimum_length,)


def axis(signature: Signature) -> tuple[int, ...]:
    """The axis of answers, where there is one."""
    return (signature.length,) if signature.every_step else (signature.at_end,) if signature.at_end else ()


@each_task
def test_sequences_and_targets_have_the_shape_and_type_of_the_signature(spec: TaskSpec) -> None:
    for length in lengths(spec):
        signature = spec.signature(length)
        batch = sample(spec, length, 7, stream(1))
        assert batch.inputs.shape == (7, signature.length, signature.channels)
        assert batch.inputs.dtype == torch.float32
        answers = (7, *axis(signature))
        if signature.problem is Problem.REGRESSION:
            assert batch.targets.shape == (*answers, signature.outputs)
            assert batch.targets.dtype == torch.float32
        else:
            assert batch.targets.shape == answers
            assert batch.targets.dtype == torch.int64
            due = batch.targets[batch.targets != IGNORED]
            assert len(due) == batch.targets.numel() or 0 < len(due) <= 7 * signature.places
            assert int(due.min()) >= 0
            assert int(due.max()) < signature.outputs
        if signature.vocabulary:
            assert torch.equal(batch.inputs, batch.inputs.floor())
            assert 0 <= float(batch.inputs.min()) <= float(batch.inputs.max()) < signature.vocabulary


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
    first, again, other = (sample(spec, max(10, spec.minimum_length), 20, stream(seed)) for seed in (3, 3, 4))
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.targets, again.targets)
    assert not torch.equal(first.inputs, other.inputs)


@each_task
@pytest.mark.parametrize("count", [5, 16, 47, 203])
def test_sequences_that_are_drawn_in_parts_are_the_same_to_the_bit(spec: TaskSpec, count: int) -> None:
    for length in lengths(spec):
        whole, rng = sample(spec, length, count, one := stream(3)), stream(3)
        ranges = parts(spec, length, count, most=16 * values_each(spec, length))
        drawn = list(sample_in_parts(spec, length, ranges, rng))
        assert torch.equal(torch.cat([part.inputs for part in drawn]), whole.inputs)
        assert torch.equal(torch.cat([part.targets for part in drawn]), whole.targets)
        assert [len(part) for part in drawn] == [len(rows) for rows in ranges]
        assert torch.equal(rng.get_state(), one.get_state())
        assert len(ranges) == (max(1, count // 16) if spec.draws_independently and not spec.sizes() else 1)


@each_task
def test_drawing_leaves_the_global_generator_alone(spec: TaskSpec) -> None:
    before = torch.get_rng_state()
    sample(spec, max(10, spec.minimum_length), 20, stream(3))
    assert torch.equal(before, torch.get_rng_state())


@each_task
def test_relevant_steps_lie_inside_the_sequence_once_each(spec: TaskSpec) -> None:
    for length in lengths(spec):
        steps = spec.relevant_steps(length)
        assert steps or spec.target_variance(length) == 0  # an answer that never changes depends on nothing
        assert len(set(steps)) == len(steps)
        assert all(0 <= step < spec.signature(length).length for step in steps)


@each_task
def test_baselines_name_metrics_that_a_run_reports(spec: TaskSpec) -> None:
    known = set(Metric.__args__)
    for length in lengths(spec):
        baselines, measured = (*spec.baselines(length), *spec.tried_out(length)), spec.signature(length).metrics
        assert len({(baseline.name, baseline.metric) for baseline in baselines}) == len(baselines) > 0
        for baseline in baselines:
            assert baseline.metric in known
            assert baseline.metric.removeprefix("test_") in measured
            assert math.isfinite(baseline.value)


@each_task
def test_chance_and_doing_nothing_are_among_the_baselines(spec: TaskSpec) -> None:
    for length in lengths(spec):
        published = {(baseline.name, baseline.metric) for baseline in spec.baselines(length)}
        assert ("do_nothing", "test_loss") in published
        assert not spec.is_classification(length) or ("chance", "test_accuracy") in published


@each_task
def test_doing_nothing_scores_what_outputs_of_zero_score(spec: TaskSpec) -> None:
    """n = 10 000 sequences; within 5 standard errors of the mean loss, false alarm 6e-7 a case."""
    length = lengths(spec)[-1]
    signature = spec.signature(length)
    targets = sample(spec, length, 10_000, stream(7)).targets
    outputs = torch.zeros(*targets.shape[: 2 if signature.several else 1], signature.outputs)
    each = losses(signature.problem, outputs.unsqueeze(1), targets.unsqueeze(1), signature.places > 0).double()
    published = {(baseline.name, baseline.metric): baseline.value for baseline in spec.baselines(length)}
    bound = 5 * float(each.std()) / math.sqrt(len(each)) + 1e-6
    assert abs(float(each.mean()) - published["do_nothing", "test_loss"]) < bound


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
    assert abs(float(deviations.mean()) - variance) <= 5 * standard_error


@each_task
def test_steps_outside_the_relevant_ones_say_nothing_of_the_answer(spec: TaskSpec) -> None:
    """Correlation of each irrelevant step with the answer, n = 20 000: within 6 / sqrt(n), false alarm 1e-6."""
    length = lengths(spec)[-1]
    steps = [step for step in range(spec.signature(length).length) if step not in spec.relevant_steps(length)]
    if not steps:
        return
    batch = sample(spec, length, 20_000, stream(6))
    answer = batch.targets.double().reshape(len(batch), -1)[:, -1:]  # where several are due, the last
    answer = (answer - answer.mean()) / answer.std().clamp_min(1e-9)
    inputs = batch.inputs[:, steps].double()
    inputs = (inputs - inputs.mean(0)) / inputs.std(0).clamp_min(1e-9)
    correlations = (inputs * answer.unsqueeze(1)).mean(0)
    assert float(correlations.abs().max()) < 6 / math.sqrt(len(batch))


@each_task
def test_the_sources_of_each_answer_lie_before_it_and_nothing_else_moves_it(spec: TaskSpec) -> None:
    """Where a task tells lags: all that an answer depends on stands at its sources, up to its own step."""
    if not spec.tells_lags:
        return
    for length in lengths(spec):
        signature, batch = spec.signature(length), sample(spec, length, 500, stream(10))
        answers = (*axis(signature), 1)[0]
        sources, lags = spec.sources(batch), spec.lags(batch)
        due = batch.targets.view(500, answers) != IGNORED
        own = torch.arange(signature.length) if signature.every_step else torch.tensor([signature.length - 1])
        assert sources.shape[:2] == lags.shape == (500, answers)
        assert torch.equal(lags >= 0, due)
        assert torch.equal(sources[..., 0] >= 0, due)
        assert bool((sources <= own[:, None]).all())
        assert torch.equal(lags[due], (own - sources[..., 0])[due])
        assert set(sources[due].unique().tolist()) - {-1} <= set(spec.relevant_steps(length))


@each_task
def test_the_minimum_length_is_a_length_of_the_task_and_each_more_is_a_step(spec: TaskSpec) -> None:
    least = spec.minimum_length
    assert least >= 1
    steps = [spec.signature(least + more).length for more in range(3)]
    assert steps[0] >= least or not spec.has_length
    assert [each - steps[0] for each in steps] == ([0, 1, 2] if spec.has_length else [0, 0, 0])


@each_task
def test_lengths_below_the_minimum_are_refused_with_the_limit_and_what_was_given(spec: TaskSpec) -> None:
    body = {"tasks": [spec.model_dump(mode="json")], "models": [{"kind": "rnn"}]}
    least = spec.minimum_length
    if spec.has_length:
        assert parse({**body, "lengths": [least]}).lengths == (least,)
    if spec.has_length and least > 1:
        with pytest.raises(SpecImpossible) as refused:
            parse({**body, "lengths": [least - 1]})
        expected = f"lengths: The task {spec.kind} needs at least {least} steps; given {least - 1}."
        assert str(refused.value) == expected


@each_task
def test_hidden_variables_are_told_from_some_step_on(spec: TaskSpec) -> None:
    for length in lengths(spec):
        batch = sample(spec, length, 50, stream(8))
        values = spec.hidden_variables(batch)
        assert tuple(values) == spec.hidden
        for value in values.values():
            assert value.shape == batch.inputs.shape[:2]
            assert value.dtype == torch.float32
            told = ~value.isnan()
            assert told[:, -1].all()
            assert (told.long().diff(dim=1) >= 0).all()
            assert len(value[:, -1].unique()) > 1 or spec.kind == "binary_addition"  # it ends with a carry of 0


@each_task
def test_a_collected_set_gives_each_of_its_sequences_once_and_the_two_sets_apart(spec: TaskSpec) -> None:
    sizes = spec.sizes()
    if sizes is None:
        length = max(10, spec.minimum_length)
        assert torch.equal(
            sample(spec, length, 5, stream(9), "train").inputs, sample(spec, length, 5, stream(9), "test").inputs
        )
        return
    assert sizes.train > 0
    assert sizes.test > 0
    chosen = {split: sample(spec, spec.minimum_length, 100, stream(9), split).inputs for split in ("train", "test")}
    rows = [tuple(row.flatten().tolist()) for split in chosen.values() for row in split]
    assert len(set(rows)) == 200
