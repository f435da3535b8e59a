"""Randomness follows from content."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

import pytest
import torch

from memspan.engine.condition import Condition
from memspan.engine.seeds import beginning, digest, digest_behind, stream
from memspan.experiment.grid import conditions
from memspan.experiment.run import parse
from memspan.interfaces.model import ModelSpec
from memspan.layers.stacked import Stacked
from memspan.models import model
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.optimizers.adam import Adam
from memspan.tasks.first_last import FirstLast
from memspan.training import Training
from tests.unit.engine.populations import NOISY, condition

BODY: dict[str, Any] = {
    "tasks": [{"kind": "latch", "noise": 0.2}, {"kind": "first_last"}],
    "models": [{"kind": "rnn", "hidden_size": 2, "activation": "relu"}, {"kind": "lstm"}, {"kind": "mlp"}],
    "lengths": [3, 9],
    "seed": 11,
}


def seeds(body: dict[str, Any]) -> dict[tuple[str, str, int | None, int], int]:
    return {
        (c.task.model_dump_json(), c.model.model_dump_json(), c.length, repeat): c.run_seed(repeat)
        for c in conditions(parse(body))
        for repeat in range(3)
    }


def test_seeds_do_not_depend_on_the_position_in_the_grid() -> None:
    turned = BODY | {"tasks": BODY["tasks"][::-1], "models": BODY["models"][::-1], "lengths": [9, 5, 3]}
    whole, other = seeds(BODY), seeds(turned)
    assert whole.items() <= other.items()
    alone = BODY | {"tasks": BODY["tasks"][1:], "models": BODY["models"][2:], "lengths": [9]}
    assert seeds(alone).items() <= whole.items()


def test_seeds_do_not_depend_on_the_order_of_fields_or_on_spelled_out_defaults() -> None:
    swapped = json.loads(json.dumps(BODY))
    swapped["models"][0] = dict(reversed(swapped["models"][0].items()))
    swapped["models"][1] = LSTM().model_dump(mode="json")
    assert seeds(swapped) == seeds(BODY)


def test_seeds_do_not_depend_on_how_runs_are_trained_or_named() -> None:
    changed = BODY | {"name": "other", "repeats": 7, "priority": 3, "training": {"epochs": 2}, "labels": ["a"]}
    assert seeds(changed) == seeds(BODY)


def test_every_run_of_a_grid_has_its_own_seed() -> None:
    assert len(set(seeds(BODY).values())) == 2 * 3 * 2 * 3


def test_another_seed_of_the_experiment_changes_them_all() -> None:
    assert not set(seeds(BODY).values()) & set(seeds(BODY | {"seed": 12}).values())


def test_a_field_that_a_part_gains_keeps_the_old_seeds() -> None:
    class Grown(RNN):
        """RNN after a release that added a field."""

        title: ClassVar[str] = "Grown"
        kind: Literal["rnn"] = "rnn"
        dropout: float = 0.0

    old, new = condition(RNN(hidden_size=3)), condition(Grown(hidden_size=3))
    assert [old.run_seed(r) for r in range(4)] == [new.run_seed(r) for r in range(4)]
    assert condition(Grown(hidden_size=3, dropout=0.5)).run_seed(0) != old.run_seed(0)


def test_data_are_shared_by_models_and_differ_by_task_length_and_seed() -> None:
    rnn, lstm = condition(RNN()), condition(LSTM(hidden_size=5))
    assert rnn.data_seed == lstm.data_seed
    others = [condition(task=FirstLast()), condition(length=5), Condition(rnn.task, rnn.model, 4, rnn.training, seed=6)]
    assert len({rnn.data_seed, *(other.data_seed for other in others)}) == 4


def test_a_task_without_a_length_has_a_seed_too() -> None:
    asked = Condition(FirstLast(), RNN(), None, condition().training, 1)
    assert asked.extent == FirstLast.minimum_length
    assert asked.run_seed(0) != asked.run_seed(1)


def test_streams_of_different_names_share_nothing() -> None:
    """1 000 normals each: two of one stream would correlate; |r| < 6 / sqrt(1 000), p = 2e-9 a pair."""
    names = [("init",), ("shuffle", 0), ("shuffle", 1), ("data", 0, 0), ("data", 0, 1), ("train",), ("test",)]
    drawn = torch.stack([torch.randn(1_000, generator=stream(7, *name)) for name in names])
    correlations = torch.corrcoef(drawn) - torch.eye(len(names))
    assert float(correlations.abs().max()) < 6 / 1_000**0.5


@pytest.mark.parametrize("names", [(1,), (1, "a"), ("1",), (1, 1), (11,), ({"a": 1},), (None,), ([1, "a"],)])
def test_a_digest_is_a_whole_number_that_json_can_hold(names: tuple[Any, ...]) -> None:
    value = digest(*names)
    assert 0 <= value < 2**53
    assert value == int(float(value))


def test_digests_of_different_names_differ() -> None:
    names = [(1,), (1, "a"), ("1",), (1, 1), (11,), ({"a": 1},), (None,), ([1, "a"],), (1.5,), (True,)]
    assert len({digest(*each) for each in names}) == len(names)


def test_digests_are_the_ones_that_were_published() -> None:
    """Stored experiments rely on them: a change here changes every number of every experiment."""
    assert digest(1994, "run", {"kind": "latch"}, {"kind": "rnn"}, 10, 0) == 1_043_716_215_829_116
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})


@pytest.mark.parametrize("kind", [each for each in model.specs() if issubclass(each, Stacked)])
def test_one_unit_has_the_seeds_that_it_had_as_the_default(kind: type[Stacked]) -> None:
    """It stands in none of them, and the default of today stands in its own."""
    name = kind.model_fields["kind"].default
    told = [
        Condition(NOISY, kind(**given), 10, Training(), 7) for given in ({"hidden_size": 1}, {}, {"hidden_size": 16})
    ]
    task = {"kind": "latch", "noise": 0.4}
    assert told[0].run_seed(3) == digest(7, "run", task, {"kind": name}, 10, 3)
    assert [each.run_seed(3) for each in told[1:]] == [
        digest(7, "run", task, {"kind": name, "hidden_size": 16}, 10, 3)
    ] * 2


def test_nothing_that_trains_reads_the_global_generator() -> None:
    from tests.unit.engine.populations import stories

    asked: Any = condition(optimizer=Adam())
    torch.manual_seed(1)
    first = stories(asked, (0,))
    torch.manual_seed(2)
    assert stories(asked, (0,)) == first
    assert isinstance(asked.model, ModelSpec)


def test_a_digest_goes_on_from_the_names_that_many_have_in_common() -> None:
    common = (7, "run", {"kind": "latch", "noise": 0.25}, {"kind": "rnn"}, None)
    begun = beginning(*common)
    for number in (0, 1, 10**6):
        assert digest_behind(begun, number) == digest(*common, number)
