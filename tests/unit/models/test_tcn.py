"""The TCN against torch's own convolutions and weight normalization, its causality, its reach and its work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from memspan.experiment.flaws import flaws
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.run import parse
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.interfaces.network import stack
from memspan.layers.temporal_convolution import TemporalConvolution, field
from memspan.models import build
from memspan.models.tcn import TCN, temporal
from tests.unit.models.networks import members, regression, sequences

TASK = regression(20, channels=2, outputs=3)
EVERY_STEP = replace(TASK, every_step=True)


class Block(nn.Module):
    """A level as the paper draws it."""

    def __init__(self, below: int, channels: int, size: int, dilation: int, normed: bool) -> None:
        super().__init__()
        wrapped = weight_norm if normed else lambda layer: layer
        self.past = nn.ConstantPad1d(((size - 1) * dilation, 0), 0.0)
        self.first = wrapped(nn.Conv1d(below, channels, size, dilation=dilation))
        self.second = wrapped(nn.Conv1d(channels, channels, size, dilation=dilation))
        self.shortcut = nn.Conv1d(below, channels, 1) if below != channels else None

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.second(self.past(torch.relu(self.first(self.past(x))))))
        return torch.relu(hidden + (x if self.shortcut is None else self.shortcut(x)))


class Peer(nn.Module):
    """A TCN of torch's layers, answering every step: (B, T, C) -> (B, T, K)."""

    def __init__(self, stack: TemporalConvolution, outputs: int) -> None:
        super().__init__()
        below = (stack.inputs, *[stack.channels] * (stack.levels - 1))
        self.levels = nn.Sequential(
            *(Block(b, stack.channels, stack.size, 2**i, stack.normed) for i, b in enumerate(below))
        )
        self.readout = nn.Linear(stack.channels, outputs)

    def forward(self, x: Tensor) -> Tensor:
        answers: Tensor = self.readout(self.levels(x.transpose(1, 2)).transpose(1, 2))
        return answers

    def named(self, read: Any) -> dict[str, Tensor]:
        """Parameters, or with ``read`` their gradients, under our names and in our shapes."""
        found = {"readout.kernel": read(self.readout.weight).T, "readout.bias": read(self.readout.bias)}
        for level, block in enumerate(self.levels):
            layers = ((name, layer) for name, layer in block.named_children() if isinstance(layer, nn.Conv1d))
            for name, layer in layers:
                found |= {f"level{level}.{name}.{part}": t for part, t in _parts(layer, read).items()}
        return {name: tensor.detach().clone() for name, tensor in found.items()}


def _parts(layer: Any, read: Any) -> dict[str, Tensor]:
    if not hasattr(layer, "parametrizations"):
        return {"kernel": read(layer.weight), "bias": read(layer.bias)}
    norm = layer.parametrizations.weight
    return {"gain": read(norm.original0).flatten(), "kernel": read(norm.original1), "bias": read(layer.bias)}


def peer(network_of: TemporalConvolution, outputs: int, seed: int) -> Peer:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = Peer(network_of, outputs)
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
    return made


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("normed", [False, True])
@pytest.mark.parametrize(("size", "levels", "channels"), [(2, 1, 4), (2, 3, 2), (3, 2, 5), (5, 1, 2), (5, 3, 4)])
def test_answers_and_gradients_equal_those_of_torch_s_layers(
    size: int, levels: int, channels: int, normed: bool, every_step: bool
) -> None:
    """Receptive fields of 3 to 57 steps over sequences of 20; two members with weights of their own."""
    spec = TCN(channels=channels, kernel_size=size, levels=levels, weight_norm=normed)
    network, shape = build(spec, replace(TASK, every_step=every_step)), temporal(spec, TASK)
    peers = [peer(shape, TASK.outputs, seed) for seed in range(2)]
    weights = stack([each.named(lambda parameter: parameter) for each in peers])
    assert weights.keys() == network.weights.keys()
    leaves = {name: weight.requires_grad_() for name, weight in weights.items()}
    inputs = sequences(TASK, 4, 2).float()
    found = network.forward(leaves, inputs)
    answers = [each(x) if every_step else each(x)[:, -1] for each, x in zip(peers, inputs, strict=True)]
    wanted = torch.stack(answers)
    assert torch.allclose(found, wanted, rtol=1e-6, atol=1e-6)
    (found**2).sum().backward()
    (wanted**2).sum().backward()
    theirs = stack([each.named(lambda parameter: parameter.grad) for each in peers])
    for name, leaf in leaves.items():
        assert leaf.grad is not None
        assert torch.allclose(leaf.grad, theirs[name], rtol=1e-4, atol=1e-5), name


@pytest.mark.parametrize("length", [1, 2, 7, 20, 60])
@pytest.mark.parametrize(("size", "levels"), [(2, 4), (3, 2), (6, 2)])
def test_the_last_step_alone_is_the_last_of_every_step(size: int, levels: int, length: int) -> None:
    spec = TCN(channels=4, kernel_size=size, levels=levels)
    networks = [build(spec, replace(TASK, length=length, every_step=every)) for every in (False, True)]
    weights, inputs = members(networks[0], 2), sequences(replace(TASK, length=length), 3, 2)
    last, every = (network.forward(weights, inputs) for network in networks)
    assert torch.allclose(last, every[:, :, -1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("every_step", [False, True])
def test_a_stack_that_sees_far_more_than_the_sequence_needs_no_more_memory(
    every_step: bool,
) -> None:
    """Padding all of its 8 billion steps would."""
    network = build(TCN(channels=2, kernel_size=256, levels=24), replace(TASK, every_step=every_step))
    assert network.forward(members(network), sequences(TASK)).isfinite().all()


def test_a_step_that_would_fill_the_memory_is_refused() -> None:
    body = {"tasks": [{"kind": "latch"}], "lengths": [500], "training": {"batch_size": 16384, "train_size": 16384}}
    found = flaws(ExperimentSpec.model_validate({**body, "models": [{"kind": "tcn"}]}), Limits())
    assert [each.code for each in found] == ["step_too_large"]


def test_later_inputs_change_no_earlier_answer() -> None:
    network = build(TCN(channels=4, kernel_size=3, levels=3), EVERY_STEP)
    weights, inputs = members(network), sequences(EVERY_STEP)
    before = network.forward(weights, inputs)
    inputs[:, :, 11] += 1
    after = network.forward(weights, inputs)
    assert torch.equal(before[:, :, :11], after[:, :, :11])
    assert not torch.equal(before[:, :, 11], after[:, :, 11])


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize(("size", "levels"), [(2, 1), (2, 3), (3, 2), (5, 2), (7, 1)])
def test_the_receptive_field_ends_where_the_gradient_does(size: int, levels: int, every_step: bool) -> None:
    """Positive weights and inputs leave every path open: the edge counts, one step further back is exactly 0."""
    task = regression(40, every_step=every_step)
    network = build(TCN(channels=3, kernel_size=size, levels=levels), task)
    weights = {name: weight.abs() for name, weight in members(network).items()}
    inputs = sequences(task).abs().requires_grad_()
    outputs = network.forward(weights, inputs)
    (slopes,) = torch.autograd.grad(outputs[:, :, -1].sum() if every_step else outputs.sum(), inputs)
    seen = slopes.abs().amax((0, 1, 3))  # (T,)
    assert network.receptive_field is not None
    assert (seen[: 40 - network.receptive_field] == 0).all()
    assert (seen[40 - network.receptive_field :] > 0).all()


@pytest.mark.parametrize(
    ("size", "levels", "steps"), [(7, 7, 1525), (6, 7, 1271), (8, 8, 3571), (7, 8, 3061), (6, 8, 2551)]
)
def test_the_published_stacks_see_as_far_as_published(size: int, levels: int, steps: int) -> None:
    assert build(TCN(kernel_size=size, levels=levels), regression(10)).receptive_field == steps


@pytest.mark.parametrize("reach", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("length", [2, 9, 100, 121, 122, 1000])
def test_levels_left_out_are_as_few_as_reach_far_enough(length: int, reach: float) -> None:
    stack = temporal(TCN(kernel_size=5, reach=reach), regression(length))
    assert stack.receptive_field >= reach * length
    assert stack.levels == 1 or field(5, stack.levels - 1) < reach * length


def test_at_a_hundred_steps_they_are_those_of_the_measured_nets() -> None:
    """kernel 5: 121 steps are just above T = 100, 249 are above 2 T."""
    found = [build(TCN(kernel_size=5, reach=reach), regression(100)).receptive_field for reach in (1.0, 2.0)]
    assert found == [121, 249]


def test_a_plan_warns_of_a_field_that_is_shorter_than_the_sequence() -> None:
    body = {"tasks": [{"kind": "latch"}], "lengths": [10, 20, 40], "repeats": 10}
    short = plan(Placements(parse({**body, "models": [{"kind": "tcn", "kernel_size": 3, "levels": 3}]})))
    assert [(each["code"], each["pointer"]) for each in short.warnings] == [("receptive_field", "#/models/0")]
    assert "29 steps is shorter than length 40" in short.warnings[0]["message"]
    assert plan(Placements(parse({**body, "models": [{"kind": "tcn", "kernel_size": 3}]}))).warnings == ()


def test_levels_and_reach_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="reach chooses the levels"):
        TCN(levels=3, reach=2.0)


def test_the_work_is_counted_as_it_is_done() -> None:
    """kernel 3, two levels, 9 steps, 2 channels in, 4 throughout, 3 out."""
    spec = TCN(channels=4, kernel_size=3, levels=2)
    task = replace(TASK, length=9)
    every = build(spec, replace(task, every_step=True))
    assert every.multiplications == 9 * (3 * 2 * 4 + 3 * 4 * 4 + 2 * 4 + 2 * 3 * 4 * 4 + 4 * 3)
    last = build(spec, task)  # level 0: 9 -> 5 steps; level 1: its 5 upper ones -> 3
    assert last.multiplications == 9 * 24 + 5 * 48 + 5 * 8 + 5 * 48 + 3 * 48 + 12
    assert last.kept < every.kept
