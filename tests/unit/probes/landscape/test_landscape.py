"""The probe ``landscape`` on the map whose walls are known, and against finite differences."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.state_probe import NoInternals
from memspan.dynamics.system import dynamical_system
from memspan.engine.seeds import stream
from memspan.instruments import echo, one_unit_map
from memspan.interfaces.predictor import Internals, Predictor, trained
from memspan.interfaces.readings import Curve, Surface
from memspan.interfaces.task import TaskSpec
from memspan.models import model
from memspan.probes import measure
from memspan.probes.landscape import Landscape
from memspan.probes.landscape.axes import filter_normalised, one_number
from memspan.probes.landscape.best_repeat import NoSuchRepeat
from memspan.probes.landscape.losses import losses_and_gradients
from memspan.tasks import sample
from memspan.tasks.latch import Latch
from memspan.tasks.setpoint import Setpoint
from tests.unit.probes.population import population

STEPS = 50
GOAL = Setpoint(target=0.7)
WEIGHT, BIAS = "layer0.recurrent[0]", "layer0.bias[0]"
WALL = [(4.0, -2.014), (4.5, -2.303), (5.0, -2.612), (5.5, -2.924), (6.0, -3.235)]
"""w, and the b at which the loss is steepest: found by iterating the map in numpy at 2.8 million biases each"""


def asked(model: Predictor, task: TaskSpec = GOAL, length: int = STEPS, **fields: Any) -> Surface | Curve:
    return measure(Landscape(**fields), model, task, length, stream(1))


def around_the_map(**fields: Any) -> Surface | Curve:
    return asked(one_unit_map(), x=WEIGHT, y=BIAS, sequences=2, **fields)


def number(found: Surface | Curve, name: str) -> float:
    value = found.scores[name]
    assert value is not None
    return value


def inside_of(predictor: Predictor) -> Internals:
    assert predictor.internals is not None
    return predictor.internals


def test_the_map_of_one_unit_has_the_heights_that_are_worked_out_by_hand() -> None:
    found = around_the_map(x_center=5.5, y_center=-2.4, span=1.5, y_span=0.8, points=121)
    assert isinstance(found, Surface)
    assert (found.x[0], found.x[-1]) == pytest.approx((4, 7))
    assert (found.y[0], found.y[-1]) == pytest.approx((-3.2, -1.6))
    for column, row in ((0, 0), (60, 60), (120, 0), (17, 99)):
        x = 0.5
        for _ in range(STEPS):
            x = found.x[column] / (1 + math.exp(-x)) + found.y[row]
        assert found.z[row][column] == pytest.approx((1 / (1 + math.exp(-x)) - 0.7) ** 2, abs=1e-7)
    assert number(found, "lowest") == pytest.approx(0, abs=1e-5)
    assert number(found, "highest") == pytest.approx(0.43, abs=0.005)


@pytest.mark.parametrize(("weight", "bias"), WALL)
def test_its_wall_stands_where_the_loss_is_steepest_along_the_bias(weight: float, bias: float) -> None:
    found = asked(one_unit_map(weight), x=BIAS, y=None, x_center=bias, span=0.1, points=201, sequences=2)
    assert isinstance(found, Curve)
    assert number(found, "largest_gradient_x") == pytest.approx(bias, abs=0.0011)
    assert max(found.y) - min(found.y) > 0.15


def test_its_gradient_is_1350_at_the_steep_place_of_the_article() -> None:
    internals = replace(inside_of(one_unit_map(4.8, -2.488)), signature=GOAL.signature(STEPS))
    weights, batch = double_precision(internals), sample(GOAL, STEPS, 2, stream(1))
    weights = {**weights, "layer0.recurrent": weights["layer0.recurrent"] * 0 + 4.8}
    weights["layer0.bias"] = weights["layer0.bias"] * 0 - 2.488
    directions = [one_number(weights, name)[0] for name in (WEIGHT, BIAS)]
    place = torch.zeros(1, 2, dtype=torch.float64)
    _, gradients = losses_and_gradients(internals.network, internals.signature, weights, batch, directions, place)
    assert float(gradients.norm()) == pytest.approx(1349.64, abs=0.5)


@pytest.mark.parametrize(("bias", "attractors"), [(-2.67, 1), (-2.64, 2), (-2.5, 2), (-2.36, 2), (-2.33, 1)])
def test_with_weight_5_it_has_two_attractors_for_biases_between_2_656_and_2_344(bias: float, attractors: int) -> None:
    internals = inside_of(one_unit_map(5.0, bias))
    assert internals.network.recurrence is not None
    system = dynamical_system(internals.network.recurrence, double_precision(internals))
    states = ((torch.tensor([[[0.0], [1.0]]], dtype=torch.float64),),)
    for _ in range(2000):
        states = system.advance(torch.zeros(1, 2, 1, dtype=torch.float64), states)
    low, high = states[0][0].flatten().tolist()
    assert (1 if abs(high - low) < 1e-6 else 2) == attractors


def test_walls_steepen_with_every_step() -> None:
    heights_of_walls = [
        number(asked(one_unit_map(), length=steps, x=WEIGHT, y=BIAS, span=1.5, y_span=0.8), "largest_gradient")
        for steps in (5, 20, 50)
    ]
    assert heights_of_walls == sorted(heights_of_walls)


def test_the_model_sigmoid_map_has_the_landscape_of_the_instrument() -> None:
    internals = inside_of(population("sigmoid_map", GOAL, STEPS))
    weights = {"recurrent": torch.full((1, 1, 1), 5.5), "bias": torch.full((1, 1), -2.4)}
    model = trained(internals.network, weights, internals.signature)
    found = asked(model, x="recurrent[0]", y="bias[0]", span=1.5, y_span=0.8)
    own = asked(one_unit_map(), x=WEIGHT, y=BIAS, span=1.5, y_span=0.8)
    assert isinstance(found, Surface)
    assert isinstance(own, Surface)
    assert torch.allclose(torch.tensor(found.z), torch.tensor(own.z), atol=1e-9)
    assert number(found, "largest_gradient") == pytest.approx(number(own, "largest_gradient"), rel=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "gru", "mlp", "tcn"])
def test_gradients_are_those_of_finite_differences_along_random_directions(kind: str) -> None:
    task = Latch()
    internals = inside_of(population(kind, task, 6))
    weights, batch = double_precision(internals), sample(task, 6, 8, stream(2))
    directions = [filter_normalised(weights, stream(3)), filter_normalised(weights, stream(4))]
    place, step = torch.tensor([[0.3, -0.2]], dtype=torch.float64), 1e-5 * torch.eye(2, dtype=torch.float64)
    points = torch.cat([place, place + step, place - step])
    loss, gradients = losses_and_gradients(internals.network, internals.signature, weights, batch, directions, points)
    means = loss.mean(1)
    assert torch.allclose(gradients[0], (means[1:3] - means[3:5]) / 2e-5, rtol=1e-6, atol=1e-9)


def test_a_random_direction_is_as_long_as_the_weights_into_each_unit() -> None:
    weights = double_precision(inside_of(population("lstm", Latch(), 6, hidden_size=4)))
    direction = filter_normalised(weights, stream(5))
    for name, weight in weights.items():
        axes = tuple(range(weight.dim() - 2)) or (0,)
        assert torch.allclose(direction[name].norm(dim=axes), weight[0].norm(dim=axes))


def test_a_named_number_moves_alone() -> None:
    weights = double_precision(inside_of(population("lstm", Latch(), 6, hidden_size=2)))
    direction, origin = one_number(weights, "layer0.recurrent[9]")
    assert direction["layer0.recurrent"][1, 1] == 1
    assert sum(float(part.abs().sum()) for part in direction.values()) == 1
    assert origin == float(weights["layer0.recurrent"][0, 1, 1])


def test_without_a_center_the_axes_lie_around_the_checkpoint_and_its_loss_is_told() -> None:
    found = around_the_map(points=3, span=0.5)
    assert isinstance(found, Surface)
    assert found.x == pytest.approx((5.0, 5.5, 6.0))
    assert found.y == pytest.approx((-2.9, -2.4, -1.9))
    assert number(found, "checkpoint_loss") == found.z[1][1]
    assert (number(found, "checkpoint_x"), number(found, "checkpoint_y")) == pytest.approx((5.5, -2.4))


def test_the_repeat_of_least_loss_is_looked_at_or_the_one_that_is_asked_for() -> None:
    three = population("rnn", Latch(), 6, members=3)
    every = [number(asked(three, Latch(), 6, points=2, repeat=repeat), "checkpoint_loss") for repeat in range(3)]
    found = asked(three, Latch(), 6, points=2)
    assert number(found, "repeat") == every.index(min(every))
    assert found.n == 32
    with pytest.raises(NoSuchRepeat, match=r"There are 3 trained models here: repeat must be below that, given 3\."):
        asked(three, Latch(), 6, points=2, repeat=3)


def test_a_diverged_repeat_is_not_chosen() -> None:
    internals = inside_of(population("rnn", Latch(), 6, members=3))
    for weight in internals.weights.values():
        weight[:2] = torch.nan
    found = asked(trained(internals.network, internals.weights, internals.signature), Latch(), 6, points=2)
    assert number(found, "repeat") == 2


def test_the_same_seed_gives_the_same_directions() -> None:
    one = population("gru", Latch(), 6)
    assert asked(one, Latch(), 6, points=4).document() == asked(one, Latch(), 6, points=4).document()


def test_many_points_are_looked_at_in_blocks_that_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = population("gru", Latch(), 6)
    whole = asked(one, Latch(), 6, points=7)
    monkeypatch.setattr("memspan.probes.landscape.losses.TAPED_TILE_VALUES", 6 * 32 * 20)
    parts = asked(one, Latch(), 6, points=7)
    assert isinstance(whole, Surface)
    assert isinstance(parts, Surface)
    assert torch.allclose(torch.tensor(whole.z), torch.tensor(parts.z), rtol=1e-12)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"x": "layer0.recurrent"}, "string_pattern_mismatch"),
        ({"x": WEIGHT, "y": WEIGHT}, "same_axis"),
        ({"x_center": 1.0}, "does_not_apply"),
        ({"x": WEIGHT, "y": None, "y_center": 1.0}, "does_not_apply"),
    ],
)
def test_axes_that_mean_nothing_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Landscape(**fields)
    assert refused.value.errors()[0]["type"] == words


def test_a_weight_that_the_model_lacks_is_refused_in_a_sentence() -> None:
    network = inside_of(population("rnn", Latch(), 6)).network
    assert Landscape(x="layer0.matrix[0]").objection(Latch(), 6, network) == (
        "The probe landscape can't move that weight of this model for latch: there is no weight layer0.matrix, but "
        "layer0.kernel, layer0.recurrent, layer0.bias, readout.kernel, readout.bias."
    )
    assert Landscape(x="readout.bias[2]").objection(Latch(), 6, network) == (
        "The probe landscape can't move that weight of this model for latch: "
        "readout.bias has the numbers 0 to 1, given 2."
    )


def test_what_has_no_weights_has_no_landscape() -> None:
    with pytest.raises(NoInternals):
        asked(echo(1))
    assert replace(inside_of(one_unit_map())).network.recurrence is not None


def test_every_kind_of_model_has_a_landscape() -> None:
    for kind in model.kinds():
        if model.spec(kind)().objection(GOAL.signature(3)) is None:
            assert number(asked(population(kind, GOAL, 3), length=3, points=2), "largest_gradient") >= 0
