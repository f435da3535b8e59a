"""Models that read the whole sequence at once: mlp, gated_mlp, cnn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memspan.interfaces.model import ModelSpec
from memspan.models import build
from memspan.models.cnn import CNN
from memspan.models.gated_mlp import GatedMLP
from memspan.models.mlp import MLP
from tests.unit.models.networks import regression

WIDTHS = (50, 100, 150, 100, 50)
ONE_STEP = regression(1, channels=10)


@pytest.mark.parametrize("spec", [MLP(), GatedMLP(), CNN()], ids=lambda spec: str(spec.kind))
def test_they_refuse_a_task_that_wants_an_answer_at_every_step(spec: ModelSpec) -> None:
    assert spec.objection(ONE_STEP) is None
    told = spec.objection(replace(ONE_STEP, every_step=True))
    assert told == (
        f"The model {spec.kind} reads the whole sequence at once and answers it once; "
        "the task wants an answer at every step."
    )


@pytest.mark.parametrize(
    ("spec", "parameters"),
    [
        (MLP(hidden_size=WIDTHS), 41_001),
        (GatedMLP(hidden_size=WIDTHS), 2 * 40_950 + 51),
        (GatedMLP(hidden_size=WIDTHS, gate="glu"), 2 * 40_950 + 51),
        (GatedMLP(hidden_size=WIDTHS, gate="lstm"), 122_901),
    ],
    ids=["mlp", "gtu", "glu", "lstm"],
)
def test_the_one_step_stack_has_its_published_size(spec: ModelSpec, parameters: int) -> None:
    """10 features; 122 901 is what can learn in the LSTM of these widths."""
    assert build(spec, ONE_STEP).parameters == parameters


@pytest.mark.parametrize("length", [2, 69, 100])
def test_the_convolution_s_weights_grow_with_the_sequence(length: int) -> None:
    assert build(CNN(), regression(length)).parameters == 3 * length + 3 + 8 + 3
