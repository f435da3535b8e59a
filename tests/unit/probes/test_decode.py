"""The probe ``decode`` on states that hold a hidden variable at known steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import delay_line, turned_delay_line
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.readings import Curve
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import TaskSpec
from memspan.models import build
from memspan.models.delta_net import DeltaNet
from memspan.probes import measure
from memspan.probes.decode import Decode
from memspan.probes.decode.hidden_variable import hidden_variable
from memspan.probes.decode.readouts import best_unit, decoded, score
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.delay import Delay
from memspan.tasks.latch import Latch
from memspan.tasks.regression import Regression
from tests.unit.probes.population import population

LENGTH = 20


def asked(model: Predictor, task: TaskSpec | None = None, length: int = LENGTH, **fields: Any) -> Curve:
    found = measure(Decode(**fields), model, task or Delay(), length, stream(1))
    assert isinstance(found, Curve)
    return found


def test_a_delay_line_of_8_holds_the_first_number_for_8_steps() -> None:
    found = asked(delay_line(8))
    assert found.x == tuple(range(LENGTH))
    assert found.y[:8] == pytest.approx([1] * 8, abs=1e-9)
    assert max(found.y[8:]) < 0.05
    assert found.scores["last"] == found.y[-1]
    assert found.baseline == (0.0,) * LENGTH


@pytest.mark.parametrize("variant", ["corrected", "as_published"])
def test_a_bit_is_read_with_accuracy_and_held_against_the_commonest_class(variant: Any) -> None:
    signature = Signature(1, channels=1, outputs=2, problem=Problem.CLASSIFICATION)
    found = asked(delay_line(8, signature), Latch(variant=variant))
    assert found.y_label == "accuracy"
    assert found.y[:8] == (1,) * 8
    assert isinstance(found.baseline, tuple)
    assert all(0.5 <= chance < 0.65 for chance in found.baseline)
    # Beyond it 256 held-out guesses at chance: 5 deviations of .031, and as much for the commoner class.
    assert max(found.y[8:]) < 0.72


def test_the_carry_is_decoded_exactly_where_it_is_a_state_and_the_unit_is_named() -> None:
    """Four units of which the third is the carry, the others noise."""
    task, rng = BinaryAddition(), stream(3)
    batch = sample(task, 8, 200, rng)
    carry = task.hidden_variables(batch)["carry"]
    variable = hidden_variable(carry, 100)
    states = torch.randn(len(variable.steps), 200, 4, generator=rng, dtype=torch.float64)
    states[..., 2] = 0.3 * carry[:, variable.steps].T - 2
    assert score(decoded(states, variable).mean(1).numpy()) == pytest.approx([1] * len(variable.steps))
    best = best_unit(states, variable)
    assert best.unit == 2
    assert best.score == 1
    assert best.share > 0.99


def test_a_step_at_which_all_sequences_agree_is_left_out() -> None:
    """The carry after the last, padded pair of bits is always 0."""
    found = asked(population("rnn", BinaryAddition(), 8, hidden_size=4), BinaryAddition(), 8)
    assert found.x == tuple(range(8))


def test_steps_without_a_value_yet_are_left_out_for_the_sequences_that_lack_it() -> None:
    values = torch.randn(100, 3, generator=stream(4))
    values[:, 0] = torch.nan
    values[::4, 1] = torch.nan
    variable = hidden_variable(values, 100)
    assert variable.steps.tolist() == [1, 2]
    states = values[:, 1:].T.unsqueeze(-1).double().nan_to_num(nan=50.0)
    assert score(decoded(states, variable).mean(1).numpy()) == pytest.approx([1, 1], abs=1e-9)


def test_long_sequences_are_decoded_at_steps_spread_over_them() -> None:
    found = asked(delay_line(3), length=200, points=5)
    assert found.x == (0, 50, 100, 149, 199)


def test_a_number_of_a_few_whole_values_is_a_class_and_others_are_numbers() -> None:
    rng = stream(5)
    assert hidden_variable(torch.randint(0, 8, (50, 2), generator=rng).float(), 9).classes
    assert not hidden_variable(torch.randint(0, 99, (50, 2), generator=rng).float(), 9).classes
    assert not hidden_variable(torch.rand(50, 2, generator=rng), 9).classes


def test_the_cell_state_and_a_lower_layer_can_be_asked() -> None:
    model = population("lstm", Delay(), 6, members=2, hidden_size=(3, 2))
    curves = [asked(model, Delay(), 6, layer=layer, state=state) for layer in (0, 1) for state in ("h", "c")]
    assert all(curve.n == 2 and curve.scores["best_unit"] is None for curve in curves)
    assert len({curve.y for curve in curves}) == 4


def test_the_best_unit_of_one_model_is_named() -> None:
    model = delay_line(8)
    assert model.internals is not None
    third = torch.tensor([0, 0, 0, 1.0, 0, 0, 0, 0])  # adds up what it is shown, the others see nothing
    weights = {
        **model.internals.weights,
        "layer0.recurrent": torch.diag(third)[None],
        "layer0.kernel": third[None, None],
    }
    found = asked(trained(model.internals.network, weights, model.internals.signature), Delay(distractors=0))
    assert found.scores["best_unit"] == 3
    assert found.scores["best_unit_score"] == pytest.approx(1)
    assert found.scores["best_unit_share"] == pytest.approx(1)


def test_a_task_without_that_hidden_variable_is_refused() -> None:
    assert Decode().objection(Regression(), 1) == (
        "The probe decode reads what a task hides, and regression names no hidden variable."
    )
    assert Decode(variable="carry").objection(Latch(), 5) == ("The task latch hides bit; there is no variable 'carry'.")


def test_a_layer_of_too_many_units_is_refused() -> None:
    network = build(DeltaNet(hidden_size=257), Latch().signature(5))
    assert Decode(state="s").objection(Latch(), 5, network) == (
        "The probe decode reads at most 65,536 units together, and this model for latch has 66,049."
    )


def test_a_bit_is_read_from_more_units_than_a_read_out_is_fitted_to() -> None:
    """A delay line of 8 whose numbers are spread at random over 1 100 units, of which it is said as of the line."""
    signature = Signature(1, channels=1, outputs=2, problem=Problem.CLASSIFICATION)
    found = asked(turned_delay_line(8, 1_100, signature), Latch())
    assert found.y[:8] == (1,) * 8
    assert max(found.y[8:]) < 0.72
    assert found.scores["best_unit"] is None
    assert "best_unit_score" not in found.scores
