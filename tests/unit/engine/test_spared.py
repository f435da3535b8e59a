"""Weight decay leaves alone what published code keeps it from: biases, gains, rates of states and steps of time."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memspan.engine.condition import Condition
from memspan.engine.events import Finished
from memspan.engine.mover import Mover, slots
from memspan.engine.placement import Placement
from memspan.engine.trainer import Trainer
from memspan.engine.weight_rows import WeightRows
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
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
from memspan.optimizers.adam import Adam
from memspan.optimizers.adamw import AdamW
from memspan.optimizers.sgd import SGD
from memspan.tasks.compression import Compression
from memspan.tasks.latch import Latch
from memspan.tasks.recall import Recall
from memspan.training import Training

BLOCKS: list[tuple[ModelSpec, set[str]]] = [
    (Attention(hidden_size=4, short_convolution=4, mlp=2), {"convolution.bias"}),
    (S4D(hidden_size=4, state_size=4, initialization="linear"), {"decay", "frequency", "step", "D", "gate.bias"}),
    (Mamba(hidden_size=4, state_size=2), {"convolution.bias", "step.bias", "A_log", "D"}),
    (GatedLinearAttention(hidden_size=4), {"decay.bias", "norm"}),
    (DeltaNet(hidden_size=4), {"convolution.bias", "decay.bias", "decay.A_log", "norm"}),
    (MLSTM(hidden_size=4), {"convolution.bias", "gates.bias", "norm"}),
    (SLSTM(hidden_size=4), {"head0.bias", "norm"}),
    (Hyena(hidden_size=4), {"convolution.bias", "filter.in_bias", "filter.inner_bias", "filter.frequency", "bias"}),
]


def network(spec: ModelSpec) -> Network:
    return build(spec, Recall(pairs=2, vocabulary=8).signature(8))


@pytest.mark.parametrize(("spec", "own"), BLOCKS, ids=lambda each: each.kind if isinstance(each, ModelSpec) else "")
def test_a_mixer_spares_what_its_paper_does(spec: ModelSpec, own: set[str]) -> None:
    spared = network(spec).spared
    assert {name.removeprefix("block0.mixer.") for name in spared if name.startswith("block0.mixer.")} == own
    assert {"norm", "readout.bias", "block0.norm", "block1.norm"} <= spared
    assert not spared & {"embedding.kernel", "readout.kernel", "block0.mlp.up.kernel"}


def test_the_decoder_of_blocks_spares_its_biases_and_recurrent_layers_spare_nothing() -> None:
    signature = Compression(vocabulary=6).signature(8)
    assert {"decoder.up.bias", "decoder.down.bias"} <= build(Attention(hidden_size=4), signature).spared
    assert not build(LSTM(hidden_size=4), signature).spared
    assert not network(LSTM(hidden_size=4)).spared


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": SGD(learning_rate=0.5), "weight_decay": 0.1},
        {"optimizer": Adam(learning_rate=0.5), "weight_decay": 0.1},
        {"optimizer": AdamW(learning_rate=0.5, weight_decay=0.1)},
        {"optimizer": AdamW(learning_rate=0.5, weight_decay=0.06), "weight_decay": 0.04},
    ],
    ids=["sgd", "adam", "adamw", "both"],
)
def test_without_gradients_all_but_the_spared_weights_shrink(given: dict[str, Any]) -> None:
    training, own = Training(**given), network(Mamba(hidden_size=4, state_size=2))
    rows = WeightRows(own)
    spared = rows.marked(own.spared)
    weights = torch.ones(2, len(spared))
    Mover(training, slots(training, weights), spared).move(weights, [], 1)
    by_name = rows.named(weights)
    assert all(bool((each == 1).all()) == (name in own.spared) for name, each in by_name.items())
    assert float(by_name["readout.kernel"].mean()) == pytest.approx(0.95, abs=1e-3)


def trained_weights(decay: float) -> dict[str, torch.Tensor]:
    """Of one step of an engine, by a rate so small that gradients move next to nothing."""
    adam = AdamW(learning_rate=1e-6, weight_decay=decay)
    training = Training(optimizer=adam, train_size=16, batch_size=16, validation_size=8, test_size=8, epochs=1)
    condition = Condition(Latch(), Attention(hidden_size=4), 6, training, seed=0)
    events = Trainer(Placement(condition, condition.network(), "cpu", "torch", 1), (1,)).events()
    (finished,) = (event for event in events if isinstance(event, Finished))
    return dict(finished.outcomes[1].last)


def test_a_step_of_an_engine_spares_them() -> None:
    plain, decayed = trained_weights(0.0), trained_weights(1.0)
    own = build(Attention(hidden_size=4), Latch().signature(6))
    for name, each in plain.items():
        assert torch.equal(each, decayed[name]) == (name in own.spared), name


def test_the_shrinkage_of_other_weights_is_the_same_to_the_bit() -> None:
    training = Training(optimizer=AdamW(learning_rate=0.01), weight_decay=0.3)
    start = torch.randn(3, 10, generator=torch.Generator().manual_seed(1))
    plain, spared = start.clone(), start.clone()
    Mover(training, slots(training, plain)).move(plain, [], 1)
    some = torch.arange(10) < 4
    Mover(training, slots(training, spared), some).move(spared, [], 1)
    assert torch.equal(spared[:, 4:], plain[:, 4:])
    assert torch.equal(spared[:, :4], start[:, :4])
