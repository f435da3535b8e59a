"""How a TCN starts, what its weight normalization does, and its dropout."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from memspan.engine.seeds import stream
from memspan.interfaces.network import Network
from memspan.interfaces.noise import Noise
from memspan.models import build
from memspan.models.tcn import TCN
from tests.unit.models.networks import members, regression, sequences

TASK = regression(20, channels=2, outputs=3)
EVERY_STEP = regression(20, channels=2, outputs=3, every_step=True)


def started(**options: Any) -> tuple[Network, dict[str, Tensor]]:
    network = build(TCN(channels=16, kernel_size=6, levels=3, **options), TASK)
    return network, network.initialize(stream("start"))


def test_the_authors_small_normal_start_is_overwritten_by_weight_normalization() -> None:
    """What their code does, step by step, in torch: the kernel in use stays the one that Conv1d drew."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        layer = weight_norm(nn.Conv1d(16, 16, 6))
        drawn = layer.weight.detach().clone()
        layer.weight.data.normal_(0, 0.01)
        layer(torch.zeros(1, 16, 6))
    assert torch.allclose(layer.weight, drawn)
    assert float(layer.weight.detach().std()) > 0.05


def test_kernels_start_as_torch_s_convolutions_and_gains_at_their_norms() -> None:
    """Uniform within ±1/sqrt(C k); 16 x 16 x 6 draws reach within 1 % of the bound except once in 1e6 tests."""
    _, drawn = started()
    bound = (16 * 6) ** -0.5
    for name in ("level1.first", "level2.second"):
        kernel = drawn[f"{name}.kernel"]
        assert 0.99 * bound < float(kernel.abs().max()) <= bound
        assert torch.allclose(drawn[f"{name}.gain"], kernel.flatten(1).norm(dim=1))
    assert float(drawn["level0.first.kernel"].abs().max()) > 1.5 * bound  # two channels only: ±1/sqrt(12)
    assert float(drawn["level0.shortcut.kernel"].abs().max()) < 0.06  # N(0, .01²), 32 draws: 6 deviations


def test_a_normal_start_is_small_everywhere() -> None:
    """1 536 draws of N(0, .01²): their deviation is known to 1.8 %, asserted to 10 %."""
    _, drawn = started(initialization="normal")
    assert float(drawn["level1.first.kernel"].std()) == pytest.approx(0.01, rel=0.1)
    assert torch.allclose(drawn["level1.first.gain"], drawn["level1.first.kernel"].flatten(1).norm(dim=1))


def test_without_weight_normalization_there_are_no_gains() -> None:
    normed, plain = started()[0], started(weight_norm=False)[0]
    assert not any(name.endswith("gain") for name in plain.weights)
    assert normed.parameters - plain.parameters == 3 * 2 * 16


def test_the_length_of_a_normed_kernel_does_not_matter() -> None:
    network = build(TCN(channels=4, kernel_size=3, levels=2), TASK)
    weights, inputs = members(network), sequences(TASK)
    normed = {name.replace("gain", "kernel") for name in weights if name.endswith("gain")}
    longer = {name: 7 * weight if name in normed else weight for name, weight in weights.items()}
    assert torch.allclose(network.forward(weights, inputs), network.forward(longer, inputs), rtol=1e-10)


@pytest.mark.parametrize("task", [TASK, EVERY_STEP], ids=["last", "every"])
def test_dropout_acts_while_training_only_and_from_each_member_s_own_stream(task: Any) -> None:
    network = build(TCN(channels=4, kernel_size=3, levels=2, dropout=0.5), task)
    assert network.noisy is not None
    weights, inputs = members(network, 2), sequences(task, count=2)

    def noise(second: int) -> Noise:
        return Noise([stream(0), stream(second)], torch.device("cpu"))

    one, again = (network.noisy(weights, inputs, noise(seed)) for seed in (1, 2))
    assert torch.equal(one[0], again[0])
    assert not torch.equal(one[1], again[1])
    assert not torch.equal(one[0], network.forward(weights, inputs)[0])
    assert build(TCN(), task).noisy is None
