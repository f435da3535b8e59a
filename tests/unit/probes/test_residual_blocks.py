"""Probes of residual blocks, on blocks whose memory is known."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from memspan.dynamics.block_system import BlockSystem
from memspan.dynamics.inner_states import system_of
from memspan.engine.seeds import stream
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.models import build
from memspan.models.attention import Attention
from memspan.models.delta_net import DeltaNet
from memspan.models.gated_linear_attention import GatedLinearAttention
from memspan.models.hyena import Hyena
from memspan.models.lstm import LSTM
from memspan.models.mamba import Mamba
from memspan.models.mlstm import MLSTM
from memspan.models.s4d import S4D
from memspan.models.slstm import SLSTM
from memspan.probes import measure, probe
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.latch import Latch

LATCH = Latch()
FADING = GatedLinearAttention(hidden_size=4, layers=1, decay="fixed")
"""one head, whose matrix keeps 31/32 at each step and nothing else of the past"""
STATES: list[ModelSpec] = [
    S4D(hidden_size=4, state_size=4), Mamba(hidden_size=4, state_size=2), GatedLinearAttention(hidden_size=4),
    DeltaNet(hidden_size=4), MLSTM(hidden_size=4), SLSTM(hidden_size=4),
]  # fmt: skip


def population(spec: ModelSpec, task: TaskSpec, length: int, members: int = 2, **spoilt: float) -> Predictor:
    """Untrained models; weights whose names end as a key of ``spoilt`` are set to a number."""
    signature = task.signature(length)
    network = build(spec, signature)
    weights = stack([network.initialize(stream("weights", member)) for member in range(members)])
    for name, weight in weights.items():
        for ending, value in spoilt.items():
            if name.endswith(ending):
                weight[:] = value
    return trained(network, weights, signature)


def asked(kind: str, model: Predictor, task: TaskSpec, length: int, **settings: Any) -> Curve:
    spec = probe.spec(kind).model_validate({"kind": kind, **settings})
    assert model.internals is not None
    assert spec.objection(task, length, model.internals.network) is None
    found = measure(spec, model, task, length, stream("probe"))
    assert isinstance(found, Curve)
    return found


def test_attention_without_queries_is_even() -> None:
    model = population(Attention(hidden_size=4), LATCH, 10, qkv=0.0)
    for layer in (0, 1, -1):
        found = asked("attention_by_lag", model, LATCH, 10, layer=layer)
        assert found.y == pytest.approx([0.1] * 10)
        assert found.scores["mean_lag"] == pytest.approx(4.5)
        assert found.scores["relevant"] == pytest.approx(0.1)  # of the latch only the first step matters
        assert found.baseline == pytest.approx(0.1)
        assert found.n == 2


def test_attention_ends_where_its_window_does() -> None:
    found = asked("attention_by_lag", population(Attention(hidden_size=4, window=3), LATCH, 10), LATCH, 10)
    assert sum(found.y) == pytest.approx(1.0)
    assert all(share > 0 for share in found.y[:3])
    assert not any(found.y[3:])


def test_a_fixed_share_is_read_off_as_its_time_constant() -> None:
    found = asked("gates", population(FADING, LATCH, 12), LATCH, 12)
    assert found.y == pytest.approx([(31 / 32) ** age for age in range(12)])
    assert found.scores["tau_median"] == pytest.approx(-1 / math.log(31 / 32))


@pytest.mark.parametrize("spec", STATES, ids=lambda spec: spec.kind)
def test_gates_of_every_model_with_some_tell_of_survival(spec: ModelSpec) -> None:
    found = asked("gates", population(spec, LATCH, 9), LATCH, 9, sequences=8)
    assert found.y[0] == pytest.approx(1.0)
    assert list(found.y) == sorted(found.y, reverse=True)
    assert all(0 <= share <= 1 for share in found.y)


def test_the_gradient_by_a_fading_matrix_fades_as_it_does() -> None:
    found = asked("state_gradient", population(FADING, LATCH, 12), LATCH, 12, state="s", sequences=8)
    assert found.y == pytest.approx([(31 / 32) ** lag for lag in range(12)], rel=1e-9)


def test_the_gradient_by_a_top_block_s_output_is_at_the_last_step_alone() -> None:
    found = asked("state_gradient", population(FADING, LATCH, 6), LATCH, 6, sequences=8)
    assert found.y == pytest.approx([1.0, 0, 0, 0, 0, 0])


def test_the_exponents_of_a_fading_matrix_are_the_logarithm_of_its_share() -> None:
    found = asked("lyapunov", population(FADING, LATCH, 12), LATCH, 12, steps=30, transient=5)
    assert found.y == pytest.approx([math.log(31 / 32)] * 8, abs=1e-9)


@pytest.mark.parametrize("spec", STATES, ids=lambda spec: spec.kind)
def test_capacity_and_exponents_are_told_of_every_state(spec: ModelSpec) -> None:
    model = population(spec, LATCH, 9, members=1)
    assert model.internals is not None
    capacity = asked("capacity", model, LATCH, 9, sequences=16, lags=20)
    assert 0 < capacity.scores["total"] <= model.internals.network.state_size  # type: ignore[operator]
    exponents = asked("lyapunov", model, LATCH, 9, steps=10, transient=2, sequences=2)
    assert all(math.isfinite(each) for each in exponents.y)


@pytest.mark.parametrize("spec", STATES, ids=lambda spec: spec.kind)
def test_every_state_can_be_decoded_by_its_name(spec: ModelSpec) -> None:
    task, model = BinaryAddition(), population(spec, BinaryAddition(), 4, members=1)
    assert model.internals is not None
    assert model.internals.network.blocks is not None
    names = ("h", *model.internals.network.blocks.mixers[0].state_sizes(4))
    for name in names:
        found = asked("decode", model, task, 4, sequences=32, state=name, layer=0)
        assert all(0 <= share <= 1 for share in found.y)


def test_a_system_walks_as_its_network_answers() -> None:
    model = population(Mamba(hidden_size=4), LATCH, 7)
    assert model.internals is not None
    system = system_of(model.internals)
    assert isinstance(system, BlockSystem)
    inputs = torch.randn(3, 7, LATCH.signature(7).channels, generator=stream("x"), dtype=torch.float64)
    *_, (answer, _, states) = system.walk(inputs)
    assert torch.allclose(answer.softmax(-1).float(), model(inputs.float()), atol=1e-5)
    flat = system.flat(states)
    assert flat.shape == (2, 3, system.size)
    assert system.size == model.internals.network.state_size
    for carried, again in zip(states, system.parted(flat), strict=True):
        assert all(torch.equal(one, other) for one, other in zip(carried, again, strict=True))


OBJECTIONS = [
    ("attention_by_lag", {}, LSTM(), "reads off attention, and this model for latch has none"),
    ("attention_by_lag", {}, Mamba(), "reads off attention, and this model for latch has none"),
    ("attention_by_lag", {"layer": 2}, Attention(), "finds 2 blocks"),
    ("gates", {}, Attention(), "keeps every step that it saw"),
    ("gates", {}, DeltaNet(gated=False), "needs a gate that keeps memory"),
    ("gates", {"layer": -3}, Mamba(), "finds 2 blocks"),
    ("state_gradient", {"state": "c"}, Mamba(), "finds h and s and past in this model for latch, but no state c"),
    ("state_gradient", {}, Hyena(), "keeps every step that it saw"),
    ("capacity", {}, GatedLinearAttention(hidden_size=192), "at most 65,536 units"),
    ("lyapunov", {}, Attention(window=3), "keeps every step that it saw"),
]


@pytest.mark.parametrize(("kind", "settings", "spec", "said"), OBJECTIONS, ids=str)
def test_what_a_probe_can_t_ask_is_said(kind: str, settings: dict[str, Any], spec: ModelSpec, said: str) -> None:
    asking = probe.spec(kind).model_validate({"kind": kind, **settings})
    objection = asking.objection(LATCH, 8, build(spec, LATCH.signature(8)))
    assert objection is not None
    assert said in objection
