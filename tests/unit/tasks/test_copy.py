"""The copy task, element by element in both published forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from memspan.engine.scores import losses, scores
from memspan.engine.seeds import stream
from memspan.interfaces.signature import Problem
from memspan.tasks import sample
from memspan.tasks.copy import Copy


@pytest.mark.parametrize("delay", [1, 2, 30])
def test_the_tcn_form_is_laid_out_as_in_its_code(delay: int) -> None:
    """10 symbols of 1..8, T - 1 zeros, eleven 9s; the target is T + 10 zeros and the symbols."""
    batch = sample(Copy(form="tcn"), delay, 200, stream(1))
    shown = batch.inputs.squeeze(-1)
    assert shown.shape == batch.targets.shape == (200, delay + 20)
    assert sorted(shown[:, :10].unique().tolist()) == list(range(1, 9))
    assert not shown[:, 10 : 10 + delay - 1].any()
    assert shown[:, 10 + delay - 1 :].eq(9).all()
    assert shown[:, 10 + delay - 1 :].shape[1] == 11
    assert not batch.targets[:, :-10].any()
    assert torch.equal(batch.targets[:, -10:], shown[:, :10].long())


@pytest.mark.parametrize("delay", [1, 2, 30])
def test_the_power_law_form_is_laid_out_as_in_its_code(delay: int) -> None:
    """10 letters of 0..7, T - 1 blanks (8), the signal (9), 9 blanks; the target is T + 9 blanks and the letters."""
    batch = sample(Copy(form="power_law"), delay, 200, stream(2))
    assert batch.inputs.shape == (200, delay + 19, 10)
    assert batch.inputs.sum(-1).eq(1).all()
    shown = batch.inputs.argmax(-1)
    assert sorted(shown[:, :10].unique().tolist()) == list(range(8))
    assert shown[:, 10 : 10 + delay - 1].eq(8).all()
    assert shown[:, 10 + delay - 1].eq(9).all()
    assert shown[:, 10 + delay :].eq(8).all()
    assert shown[:, 10 + delay :].shape[1] == 9
    assert batch.targets[:, :-10].eq(8).all()
    assert torch.equal(batch.targets[:, -10:], shown[:, :10])


@pytest.mark.parametrize("form", ["tcn", "power_law"])
def test_symbols_are_uniform_and_independent(form: str) -> None:
    """n = 40 000 letters: each of 8 within 6 deviations of 5 000; neighbours equal in 1/8 of 36 000; p = 2e-8."""
    symbols = sample(Copy(form=form), 5, 4_000, stream(3)).targets[:, -10:]
    _, counts = symbols.unique(return_counts=True)
    assert float((counts - 5_000).abs().max()) < 6 * math.sqrt(40_000 * 7 / 64)
    equal = int((symbols[:, 1:] == symbols[:, :-1]).sum())
    assert abs(equal - 4_500) < 6 * math.sqrt(36_000 * 7 / 64)


@pytest.mark.parametrize(
    ("delay", "loss"), [(100, 0.17329), (200, 0.09452), (500, 0.03999), (1_000, 0.02039), (2_000, 0.01029)]
)
def test_the_memoryless_loss_is_the_published_one(delay: int, loss: float) -> None:
    named = {(baseline.name, baseline.metric): baseline.value for baseline in Copy().baselines(delay)}
    assert named["memoryless", "test_loss"] == pytest.approx(loss, abs=5e-6)
    other = {baseline.name: baseline.value for baseline in Copy(form="power_law").baselines(delay)}
    assert other["memoryless"] == pytest.approx(10 * math.log(8) / (delay + 19))


@pytest.mark.parametrize("form", ["tcn", "power_law"])
def test_an_answer_without_memory_scores_the_memoryless_loss(form: str) -> None:
    """Blank where it is due, 1/8 for each symbol: exact. Its accuracy counts the ten answers alone."""
    spec = Copy(form=form)
    signature, batch = spec.signature(20), sample(spec, 20, 300, stream(4))
    outputs = guess(batch.targets, form)
    expected = next(b.value for b in spec.baselines(20) if b.name == "memoryless")
    found = losses(Problem.CLASSIFICATION, outputs, batch.targets.unsqueeze(0))
    assert float(found) == pytest.approx(expected, rel=1e-5)
    always = int(outputs[0, 0, -1].argmax())
    share = float((batch.targets[:, -10:] == always).double().mean())
    assert float(scores(signature, outputs, batch.targets.unsqueeze(0))["accuracy"]) == pytest.approx(share)


def guess(targets: Tensor, form: str) -> Tensor:
    """Logits (1, B, T, 10) of a model that knows the time and nothing else."""
    blank, first = (0, 1) if form == "tcn" else (8, 0)
    logits = torch.full((1, *targets.shape, 10), -100.0)
    logits[:, :, :-10, blank] = 0.0
    logits[:, :, -10:, first : first + 8] = 0.0
    return logits


@pytest.mark.parametrize("form", ["tcn", "power_law"])
def test_answers_count_from_the_first_of_the_ten_letters(form: str) -> None:
    signature = Copy(form=form).signature(7)
    assert signature.every_step
    assert signature.length - signature.answer_from == 10
    assert Copy(form=form).relevant_steps(7) == tuple(range(10))


@pytest.mark.parametrize("form", ["tcn", "power_law"])
def test_each_symbol_can_be_decoded_from_the_step_on_that_shows_it(form: str) -> None:
    batch = sample(Copy(form=form), 4, 30, stream(5))
    hidden = Copy(form=form).hidden_variables(batch)
    for place in range(10):
        symbol = hidden[f"symbol_{place + 1}"]
        assert symbol[:, :place].isnan().all()
        assert torch.equal(symbol[:, place:], batch.targets[:, -10 + place, None].float().expand_as(symbol[:, place:]))
