"""The adding problem in both forms."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from memspan.engine.seeds import stream
from memspan.experiment.run import SpecMalformed, parse
from memspan.tasks import sample
from memspan.tasks.adding import Adding


@pytest.mark.parametrize("marks", ["anywhere", "one_per_half"])
@pytest.mark.parametrize("length", [2, 3, 10])
def test_two_steps_are_marked_and_their_numbers_add_up_to_the_target(marks: str, length: int) -> None:
    batch = sample(Adding(marks=marks), length, 500, stream(1))
    numbers, marked = batch.inputs.unbind(-1)
    assert torch.equal(marked.sum(1), torch.full((500,), 2.0))
    assert marked.unique().tolist() in ([0, 1], [1])
    assert torch.allclose((numbers * marked).sum(1, keepdim=True), batch.targets)
    assert float(numbers.min()) >= 0
    assert float(numbers.max()) < 1


@pytest.mark.parametrize("length", [2, 7, 10])
def test_one_per_half_puts_one_mark_into_each_half(length: int) -> None:
    marked = sample(Adding(marks="one_per_half"), length, 500, stream(2)).inputs[..., 1]
    assert marked[:, : length // 2].sum(1).eq(1).all()
    assert marked[:, length // 2 :].sum(1).eq(1).all()


@pytest.mark.parametrize(("marks", "pairs"), [("anywhere", 15), ("one_per_half", 9)])
def test_all_allowed_pairs_of_marks_are_equally_likely(marks: str, pairs: int) -> None:
    """n = 9 000 over K pairs of 6 steps: each count within 6 standard deviations of n / K, p = 3e-8 in all."""
    marked = sample(Adding(marks=marks), 6, 9_000, stream(3)).inputs[..., 1]
    _, counts = (marked * 2 ** torch.arange(6)).sum(1).unique(return_counts=True)
    expected = 9_000 / pairs
    assert len(counts) == pairs
    assert float((counts - expected).abs().max()) < 6 * math.sqrt(expected * (1 - 1 / pairs))


@pytest.mark.parametrize(
    ("low", "high", "nothing", "constant", "second_only"),
    [(0, 1, 7 / 6, 1 / 6, 1 / 12), (-1, 1, 2 / 3, 2 / 3, 1 / 3), (-0.5, 0.5, 1 / 6, 1 / 6, 1 / 12)],
)
def test_baselines_are_the_exact_ones(
    low: float, high: float, nothing: float, constant: float, second_only: float
) -> None:
    spec = Adding(low=low, high=high)
    assert {b.name: b.value for b in spec.baselines(100)} == pytest.approx(
        {"do_nothing": nothing, "constant": constant, "second_value_only": second_only}
    )
    assert spec.target_variance(100) == pytest.approx(constant)


@pytest.mark.parametrize("marks", ["anywhere", "one_per_half"])
def test_knowing_the_second_value_alone_scores_its_baseline(marks: str) -> None:
    """n = 40 000: the squared error (x - mean)² of U(-1, 1) has mean 1/3 and deviation sqrt(4/45); 5 errors, 6e-7."""
    batch = sample(Adding(marks=marks, low=-1.0), 20, 40_000, stream(4))
    numbers, marked = batch.inputs.unbind(-1)
    last = 19 - marked.flip(1).argmax(1, keepdim=True)
    loss = (batch.targets - numbers.gather(1, last)).double().square().mean()
    assert abs(float(loss) - 1 / 3) < 5 * math.sqrt(4 / 45 / 40_000)


def test_what_must_be_carried_is_the_sum_of_the_marked_numbers_so_far() -> None:
    batch = sample(Adding(low=-1.0), 12, 50, stream(5))
    running = Adding().hidden_variables(batch)["running_sum"]
    assert torch.allclose(running[:, -1:], batch.targets)
    before = batch.inputs[..., 1].cumsum(1) == 0
    assert not running[before].any()


def test_bounds_must_be_in_order() -> None:
    with pytest.raises(ValidationError, match="low must lie below high"):
        Adding(low=1.0, high=1.0)
    body = {"tasks": [{"kind": "adding", "low": 2}], "models": [{"kind": "rnn"}], "lengths": [5]}
    with pytest.raises(SpecMalformed, match=r"low must lie below high \(2.0 >= 1.0\)"):
        parse(body)
