"""First plus last with a function of each."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.tasks import sample
from memspan.tasks.first_last import FirstLast

SINE = (1 - math.exp(-2)) / 2
EXACT = {"identity": (2, 2, 1), "square": (8, 4, 2), "sine": (2 * SINE, 2 * SINE, SINE)}
"""do_nothing, constant, last_step_only"""


@pytest.mark.parametrize(("f", "values"), EXACT.items())
def test_baselines_are_the_exact_moments(f: str, values: tuple[float, float, float]) -> None:
    spec = FirstLast(f=f)
    named = {baseline.name: baseline.value for baseline in spec.baselines(10)}
    assert named == pytest.approx(dict(zip(("do_nothing", "constant", "last_step_only"), values, strict=True)))
    assert spec.target_variance(10) == pytest.approx(values[1])


@pytest.mark.parametrize("f", EXACT)
def test_the_target_is_f_of_both_ends_and_the_baselines_are_what_such_answers_score(f: str) -> None:
    """n = 100 000: each loss within 5 standard errors (measured), false alarm 6e-7 each."""
    spec, function = FirstLast(f=f), {"identity": lambda x: x, "square": lambda x: x * x, "sine": torch.sin}[f]
    batch = sample(spec, 4, 100_000, stream(1))
    first, last = function(batch.inputs[:, 0]), function(batch.inputs[:, -1])
    assert torch.equal(batch.targets, first + last)
    answers = {"do_nothing": 0.0, "constant": float(batch.targets.mean()), "last_step_only": last + float(first.mean())}
    for baseline in spec.baselines(4):
        errors = (batch.targets - answers[baseline.name]).double().square()
        assert abs(float(errors.mean()) - baseline.value) < 5 * float(errors.std()) / math.sqrt(len(errors))


def test_the_default_is_the_article_s_and_keeps_its_seeds() -> None:
    assert FirstLast().content() == {"kind": "first_last"}
    assert FirstLast(f="sine").content() == {"kind": "first_last", "f": "sine"}


def test_f_of_the_first_number_is_what_must_be_carried() -> None:
    batch = sample(FirstLast(f="square"), 6, 20, stream(2))
    assert torch.equal(
        FirstLast(f="square").hidden_variables(batch)["first"], batch.inputs[:, 0].square().expand(20, 6)
    )
