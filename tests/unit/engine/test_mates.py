"""A run's numbers are the same to the bit whatever is trained beside it."""

from __future__ import annotations

import itertools

import pytest

from memspan.engine.condition import Condition
from memspan.engine.placement import place
from memspan.engine.stack import PlacesClash, Stack
from memspan.experiment.grid import conditions
from memspan.experiment.run import parse
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.optimizer import OptimizerSpec
from memspan.models import model
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.mlp import MLP
from memspan.models.rnn import RNN
from memspan.optimizers import optimizer
from memspan.tasks import task
from memspan.tasks.first_last import FirstLast
from tests.contract.variants import named, rules, variants
from tests.unit.engine.populations import NOISY, condition, stories

MODELS = [variant for spec in model.specs() for variant in variants(spec)]
TASKS = [NOISY, *(variant for spec in task.specs() for variant in variants(spec))]
OPTIMIZERS = [each for spec in optimizer.specs() for each in rules(spec)]
DATA = ["fixed", "per_repeat", "fresh"]


def differ(asked: Condition, repeats: tuple[int, ...]) -> list[str]:
    """Which repeats tell another story alone, or with half of their mates, than with all of them."""
    together = stories(asked, repeats)
    half = stories(asked, repeats[::2])
    alone = stories(asked, repeats[-1:])
    return [f"{repeat}" for repeat, story in (half | alone).items() if story != together[repeat]]


@pytest.mark.parametrize("spec", MODELS, ids=named)
def test_every_model_s_runs_are_bit_equal_alone_and_in_company(spec: ModelSpec) -> None:
    asked = condition(spec, task=next(each for each in TASKS if spec.objection(each.signature(4)) is None))
    repeats = tuple(range(min(place(asked, engine="torch").width, 5)))
    assert differ(asked, repeats) == []


@pytest.mark.parametrize(("spec", "data"), list(itertools.product(OPTIMIZERS, DATA)), ids=str)
def test_every_optimizer_and_kind_of_data_keeps_them_bit_equal(spec: OptimizerSpec, data: str) -> None:
    asked = condition(optimizer=spec, data=data, clip_norm=0.3, weight_decay=0.01)
    assert differ(asked, (0, 1, 2, 3, 31)) == []


@pytest.mark.parametrize(
    "spec", [LSTM(hidden_size=12), GRU(hidden_size=13), RNN(hidden_size=(17, 5)), MLP(hidden_size=40)]
)
def test_wider_layers_and_a_regression_keep_them_bit_equal(spec: ModelSpec) -> None:
    """Sizes that are no multiple of a vector register, in stacks of 8."""
    asked = condition(spec, FirstLast(), length=9, best=True)
    assert place(asked, engine="torch").width == 8
    assert differ(asked, (0, 3, 4, 7)) == []


def test_a_stack_that_begins_later_has_the_same_places() -> None:
    """Repeats 32.. are trained apart from 0..31, at the same places."""
    asked = condition()
    together = stories(asked, range(32, 40))
    assert stories(asked, (35,))[35] == together[35]


def test_more_repeats_in_the_spec_change_nothing() -> None:
    def grid(repeats: int) -> Condition:
        body = {"tasks": [{"kind": "latch"}], "models": [{"kind": "gru", "hidden_size": 1}], "lengths": [3],
                "repeats": repeats,
                "training": {"epochs": 1, "train_size": 12, "validation_size": 4, "test_size": 4}}  # fmt: skip
        return conditions(parse(body))[0]

    few, many = stories(grid(3), range(3)), stories(grid(10), range(10))
    assert {repeat: many[repeat] for repeat in few} == few


def test_different_repeats_tell_different_stories() -> None:
    found = stories(condition(), range(6))
    assert len({story.metrics for story in found.values()}) == 6


def test_two_repeats_at_one_place_are_refused() -> None:
    with pytest.raises(PlacesClash, match="do not fit side by side into a stack of 4"):
        Stack(4, (1, 5))


def test_places_are_repeats_modulo_the_width_and_gaps_are_filled_by_the_first() -> None:
    stack = Stack(4, (6, 5))
    assert stack.places == {6: 2, 5: 1}
    assert list(stack.fill({6: "six", 5: "five"})) == ["six", "five", "six", "six"]


def test_the_width_follows_from_the_size_of_the_network() -> None:
    widths = {size: place(condition(LSTM(hidden_size=size)), engine="torch").width for size in (1, 8, 9, 32, 64)}
    assert widths == {1: 32, 8: 8, 9: 8, 32: 8, 64: 1}
    dense = {size: place(condition(MLP(hidden_size=size))).width for size in (1, 8, 200, (200, 200), 4_000)}
    assert dense == {1: 32, 8: 32, 200: 8, (200, 200): 2, 4_000: 2}
