"""Losses and accuracies."""

from __future__ import annotations

import math

import torch

from memspan.engine.condition import Condition
from memspan.engine.placement import place
from memspan.engine.scores import losses, scores
from memspan.engine.seeds import stream
from memspan.engine.trainer import Trainer
from memspan.interfaces.signature import Problem, Signature
from memspan.tasks.first_last import FirstLast
from tests.unit.engine.populations import condition, finish


def test_cross_entropy_is_in_nats_and_equal_to_torch_s() -> None:
    outputs = torch.randn(3, 7, 4, generator=stream(1))
    targets = torch.randint(0, 4, (3, 7), generator=stream(2))
    wanted = [torch.nn.functional.cross_entropy(o, t) for o, t in zip(outputs, targets, strict=True)]
    assert torch.allclose(losses(Problem.CLASSIFICATION, outputs, targets), torch.stack(wanted))
    undecided = losses(Problem.CLASSIFICATION, torch.zeros(1, 7, 4), targets[:1])
    assert math.isclose(float(undecided), math.log(4), rel_tol=1e-6)


def test_the_squared_error_is_a_mean_over_sequences_and_outputs() -> None:
    outputs = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    assert losses(Problem.REGRESSION, outputs, torch.zeros_like(outputs)).tolist() == [7.5]
    regression = Signature(1, 1, 2, Problem.REGRESSION)
    assert set(scores(regression, outputs, outputs)) == set(regression.metrics) == {"loss"}


def test_accuracy_is_the_share_of_right_answers() -> None:
    outputs = torch.tensor([[[0.0, 1.0], [2.0, 1.0], [0.0, 3.0], [5.0, 1.0]]])
    found = scores(Signature(1, 1, 2, Problem.CLASSIFICATION), outputs, torch.tensor([[1, 0, 0, 0]]))
    assert found["accuracy"].tolist() == [0.75]


def test_answers_at_every_step_are_scored_one_by_one_and_whole() -> None:
    """Of two sequences of three steps, of which the last two count, one has one wrong answer."""
    signature = Signature(3, 1, 2, Problem.CLASSIFICATION, every_step=True, answer_from=1)
    targets = torch.tensor([[[0, 1, 0], [1, 1, 1]]])  # (M, B, T)
    answers = torch.tensor([[[1, 1, 0], [1, 0, 1]]])
    found = scores(signature, torch.nn.functional.one_hot(answers, 2).float(), targets)
    assert found["accuracy"].tolist() == [0.75]
    assert found["exact"].tolist() == [0.5]


def recomputed(asked: Condition) -> tuple[float, float]:
    """The reported and the recomputed test loss of a finished run."""
    from memspan.engine.datasets import split
    from memspan.engine.events import Finished
    from memspan.interfaces.network import stack

    outcome = next(e for e in Trainer(place(asked), (0,)).events() if isinstance(e, Finished)).outcomes[0]
    test = split(asked).test.rows(0, asked.training.test_size)
    outputs = asked.network().forward(stack([getattr(outcome, asked.checkpoint)]), test.inputs.unsqueeze(0))
    problem = asked.signature.problem
    return outcome.metrics["test_loss"], float(losses(problem, outputs, test.targets.unsqueeze(0)))


def test_the_test_loss_is_that_of_the_reported_weights_in_one_block_or_many(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import memspan.engine.torch_engine as torch_engine

    for best in (False, True):
        asked = condition(task=FirstLast(), best=best)
        reported, again = recomputed(asked)
        assert math.isclose(reported, again, rel_tol=1e-6)
    monkeypatch.setattr(torch_engine, "SCORING_VALUES", 1)
    assert math.isclose(recomputed(asked)[0], reported, rel_tol=1e-6)


def test_a_run_learns() -> None:
    """An exact latch of 2 steps is solved: the loss falls below a tenth of chance, accuracy is 1."""
    asked = condition(length=2, epochs=40, task=condition().task.model_copy(update={"noise": 0.1}))
    asked = Condition(asked.task, asked.model, 2, asked.training.model_copy(
        update={"optimizer": asked.training.optimizer.model_copy(update={"learning_rate": 0.1})}), seed=1)  # fmt: skip
    story = finish(Trainer(place(asked), (0, 1, 2)))
    assert all("('test_accuracy', 1.0)" in each.metrics for each in story.values())
