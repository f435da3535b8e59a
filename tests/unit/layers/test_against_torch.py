"""Recurrent layers against torch's own with the same weights, to 1e-6."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from memspan.engine.seeds import stream
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import stack
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN

SHAPES = [(1, 1, 1, 1), (1, 7, 16, 1), (3, 5, 2, 4), (8, 20, 3, 2), (17, 2, 33, 5)]
"""(H, T, B, I)"""
THEIRS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def twin(layers: nn.RNNBase, head: nn.Linear) -> dict[str, Tensor]:
    """The weights of torch's layers under our names and in our orientation, without a member axis."""
    weights = {"readout.kernel": head.weight.T, "readout.bias": head.bias}
    for layer in range(layers.num_layers):
        weights |= {
            f"layer{layer}.kernel": getattr(layers, f"weight_ih_l{layer}").T,
            f"layer{layer}.recurrent": getattr(layers, f"weight_hh_l{layer}").T,
            f"layer{layer}.bias": getattr(layers, f"bias_ih_l{layer}"),
            f"layer{layer}.recurrent_bias": getattr(layers, f"bias_hh_l{layer}"),
        }
    return {name: weight.detach().contiguous() for name, weight in weights.items()}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize(
    "spec",
    [RNN(initialization="torch"), RNN(initialization="torch", activation="relu"), LSTM(initialization="torch"),
     GRU(initialization="torch")],
    ids=["rnn-tanh", "rnn-relu", "lstm", "gru"],
)  # fmt: skip
def test_outputs_and_gradients_equal_those_of_torch(spec: ModelSpec, shape: tuple[int, ...], depth: int) -> None:
    size, length, batch, channels = shape
    with torch.random.fork_rng():
        torch.manual_seed(7)
        options = {"nonlinearity": spec.activation} if isinstance(spec, RNN) else {}
        theirs = THEIRS[spec.kind](channels, size, depth, batch_first=True, **options)
        head = nn.Linear(size, 2)
    inputs = torch.randn(batch, length, channels, generator=stream("inputs"))
    wanted = head(theirs(inputs)[0][:, -1])
    sizes = (size,) * depth
    network = build(spec.model_copy(update={"hidden_size": sizes}), Signature(length, channels, 2, Problem.REGRESSION))
    weights = {name: weight.requires_grad_() for name, weight in stack([twin(theirs, head)]).items()}
    assert weights.keys() == network.weights.keys()
    found = network.forward(weights, inputs.unsqueeze(0)).squeeze(0)
    assert torch.allclose(found, wanted, rtol=1e-6, atol=1e-6)
    ours = torch.autograd.grad(found.sum(), list(weights.values()))
    torch.autograd.backward(wanted.sum())
    theirs_by_name = _gradients(theirs, head)
    for name, gradient in zip(weights, ours, strict=True):
        assert torch.allclose(gradient[0], theirs_by_name[name], rtol=1e-4, atol=1e-5), name


def _gradients(layers: nn.RNNBase, head: nn.Linear) -> dict[str, Tensor]:
    with torch.no_grad():
        for parameter in itertools.chain(layers.parameters(), head.parameters()):
            parameter.copy_(parameter.grad)  # type: ignore[arg-type]
    return twin(layers, head)


def test_torch_s_own_draw_counts_as_many_parameters() -> None:
    for spec in (RNN(initialization="torch"), LSTM(initialization="torch"), GRU(initialization="torch")):
        theirs = THEIRS[spec.kind](3, 5, 2)
        expected = sum(parameter.numel() for parameter in theirs.parameters()) + 5 * 2 + 2
        network = build(spec.model_copy(update={"hidden_size": (5, 5)}), Signature(4, 3, 2, Problem.REGRESSION))
        assert network.parameters == expected
