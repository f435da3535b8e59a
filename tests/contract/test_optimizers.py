"""What every optimiser owes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from starlette.testclient import TestClient
from torch import Tensor

from memspan.engine.fused import backend
from memspan.engine.fused.backend import Fused
from memspan.engine.fused.descent import descent
from memspan.engine.mover import Mover, slots
from memspan.engine.seeds import stream
from memspan.engine.torch_engine import TorchEngine
from memspan.engine.weight_rows import Stretch
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.optimizer import OptimizerSpec
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.mlp import MLP
from memspan.optimizers import move, optimizer
from memspan.training import Training
from tests.contract.variants import named, rules
from tests.unit.engine.fused.fifty_steps import asked, walked
from tests.unit.engine.populations import carried, condition, stopped, stories

RULES = [each for spec in optimizer.specs() for each in rules(spec)]
EXTRA: dict[str, dict[str, Any]] = {
    "plain": {}, "clipped": {"clip_norm": 0.5}, "decayed": {"weight_decay": 0.1},
    "all": {"clip_norm": 0.5, "weight_decay": 0.1, "halve_every": 9},
}  # fmt: skip
MEMBERS, SIZE = 3, 7
each_rule = pytest.mark.parametrize("spec", RULES, ids=named)
each_extra = pytest.mark.parametrize("extra", EXTRA.values(), ids=list(EXTRA))


@pytest.fixture(autouse=True)
def one_step_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a run may be stopped at any step, in either engine."""
    monkeypatch.setattr(backend, "CALL_SECONDS", 0.0)


def start() -> Tensor:
    return torch.randn(MEMBERS, SIZE, generator=stream("weights"))


def gradients(step: int) -> Tensor:
    """Of sizes from 1e-4 to 1, with one that is 0 throughout."""
    drawn = torch.randn(MEMBERS, SIZE, generator=stream("gradients", step)) * torch.logspace(-4, 0, SIZE)
    drawn[:, 2] = 0
    return drawn


def steps(mover: Mover, weights: Tensor, first: int = 1, last: int = 8) -> None:
    for step in range(first, last + 1):
        mover.move(weights, [Stretch(0, gradients(step))], step)


@each_rule
def test_its_numbers_have_the_same_names_at_every_step_and_are_finite(spec: OptimizerSpec) -> None:
    names = list(spec.numbers(1, spec.learning_rate))
    assert not spec.constants().keys() & spec.of_step(1, spec.learning_rate).keys()
    for step in (1, 2, 3, 999, 1_000, 1_001, 10**6, 10**9):
        for rate in (spec.learning_rate, 1e-12, 100.0):
            numbers = spec.numbers(step, rate)
            assert list(numbers) == names
            assert all(math.isfinite(number) for number in numbers.values())


@each_rule
def test_every_slot_is_used_and_changed_in_place(spec: OptimizerSpec) -> None:
    names = spec.slots()
    assert len(set(names)) == len(names)
    remembered = {name: torch.zeros(SIZE) for name in names}
    kept = dict(remembered)
    move(spec, start()[0], gradients(1)[0], remembered, spec.numbers(1, spec.learning_rate))
    assert all(remembered[name] is kept[name] for name in names)
    assert all(kept[name].any() for name in names)


@each_rule
def test_the_first_step_leads_downhill(spec: OptimizerSpec) -> None:
    weight, pull = torch.zeros(SIZE), gradients(1)[0]
    uphill = pull.sign()
    move(spec, weight, pull, {name: torch.zeros(SIZE) for name in spec.slots()}, spec.numbers(1, spec.learning_rate))
    assert torch.equal(weight.sign(), -uphill)


@each_extra
@each_rule
def test_a_weight_of_0_without_gradient_stays_at_0_and_nothing_is_divided_by_0(
    spec: OptimizerSpec, extra: dict[str, Any]
) -> None:
    weights, training = torch.zeros(MEMBERS, SIZE), Training(optimizer=spec, **extra)
    mover = Mover(training, slots(training, weights))
    for step in range(1, 4):
        mover.move(weights, [Stretch(0, torch.zeros(MEMBERS, SIZE))], step)
    assert torch.equal(weights, torch.zeros(MEMBERS, SIZE))


@each_rule
def test_a_gradient_that_is_no_number_is_seen_as_such(spec: OptimizerSpec) -> None:
    """Nothing hides that a run diverged."""
    weights, training = start(), Training(optimizer=spec)
    Mover(training, slots(training, weights)).move(weights, [Stretch(0, torch.full((MEMBERS, SIZE), math.nan))], 1)
    assert weights.isnan().all()


@each_rule
def test_a_member_moves_as_if_it_were_alone(spec: OptimizerSpec) -> None:
    """Clipping is by each member's own norm; a member of NaN gradients spoils nobody."""
    training = Training(optimizer=spec, clip_norm=0.5, weight_decay=0.01)

    def row(spoilt: bool) -> Tensor:
        weights = start()
        mover = Mover(training, slots(training, weights))
        for step in range(1, 6):
            pull = gradients(step)
            if spoilt:
                pull[0], pull[2] = torch.nan, torch.inf
            mover.move(weights, [Stretch(0, pull)], step)
        return weights[1]

    assert torch.equal(row(False), row(True))


@each_rule
def test_its_slots_are_all_there_is_to_put_it_back(spec: OptimizerSpec) -> None:
    training, whole, weights = Training(optimizer=spec), start(), start()
    remembered = slots(training, weights)
    steps(Mover(training, slots(training, whole)), whole)
    steps(Mover(training, remembered), weights, 1, 3)
    steps(Mover(training, {name: slot.clone() for name, slot in remembered.items()}), weights, 4, 8)
    assert torch.equal(whole, weights)


@each_extra
@each_rule
def test_weights_that_are_used_nowhere_move_as_if_their_gradient_were_0(
    spec: OptimizerSpec, extra: dict[str, Any]
) -> None:
    training = Training(optimizer=spec, **extra)
    in_stretches, whole = start(), start()
    first, second = (Mover(training, slots(training, each)) for each in (in_stretches, whole))
    for step in range(1, 5):
        pull = gradients(step)
        pull[:, 2:4] = pull[:, 6:] = 0
        first.move(in_stretches, [Stretch(0, pull[:, :2].clone()), Stretch(4, pull[:, 4:6].clone())], step)
        second.move(whole, [Stretch(0, pull)], step)
    torch.testing.assert_close(in_stretches, whole, rtol=1e-6, atol=0)


def compiled_and_not(model: ModelSpec, **how: Any) -> Iterator[Tensor]:
    """Weights after fifty steps by either engine."""
    for engine in (Fused, TorchEngine):
        yield walked(asked(model, **how), engine)[0]


@pytest.mark.parametrize("model", [LSTM(hidden_size=1), GRU(hidden_size=16)], ids=["unrolled", "rolled"])
@pytest.mark.parametrize("extra", ["plain", "all"])
@each_rule
def test_the_compiled_loop_moves_weights_as_torch_does(spec: OptimizerSpec, extra: str, model: ModelSpec) -> None:
    fused, eager = compiled_and_not(model, optimizer=spec, **EXTRA[extra])
    assert (fused - eager).abs().max() < 1e-5


@each_rule
def test_one_loop_serves_all_its_numbers(spec: OptimizerSpec) -> None:
    """Else each learning rate of a search would be compiled anew."""
    numbers = {name: value for name, value in spec.model_dump().items() if isinstance(value, float) and value}
    other = spec.model_copy(update={name: 0.75 * value for name, value in numbers.items()})
    assert other != spec
    assert descent(Training(optimizer=other)) == descent(Training(optimizer=spec))


@pytest.mark.parametrize("model", [LSTM(hidden_size=1), MLP()], ids=["compiled", "torch"])
@each_rule
def test_a_run_goes_on_to_the_same_bits(spec: OptimizerSpec, model: ModelSpec) -> None:
    """Stopped within its second epoch, stored and read back."""
    run = condition(model, optimizer=spec, clip_norm=0.3, weight_decay=0.01, best=True)
    whole = stories(run, (0, 2))
    resumed = stories(run, (0, 2), carried(stopped(run, (0, 2), 7).snapshots()))
    for repeat, story in resumed.items():
        assert (story.weights, story.metrics) == (whole[repeat].weights, whole[repeat].metrics)


@each_rule
def test_it_can_be_planned_and_comes_back_as_it_was_posted(client: TestClient, spec: OptimizerSpec) -> None:
    asked_for = {**spec.model_dump(mode="json")}
    body = {"tasks": [{"kind": "latch"}], "models": [{"kind": "rnn"}], "lengths": [4]}
    answer = client.post("/experiments?dry_run=true", json={**body, "training": {"optimizer": asked_for}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["spec"]["training"]["optimizer"] == asked_for
