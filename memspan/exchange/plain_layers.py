"""Recurrent layers in the plain forms that every framework has: RNN, LSTM and GRU with a dense read-out."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from memspan.exchange.no_form import NoForm
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.recurrence import Layer, Recurrence
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN

Tensors = Mapping[str, Tensor]
"""Weights of one model by name, without a member axis."""


def plain(model: ModelSpec, network: Network, form: str) -> Recurrence:
    """The layers of a model that has a plain form.

    Args:
        form: what is asked for, in words, for the sentence.

    Raises:
        NoForm: it has none.
    """
    recurrence = network.recurrence
    if not isinstance(model, (RNN, LSTM, GRU)) or recurrence is None:
        where = "behind a decoder of several answers " if isinstance(model, (RNN, LSTM, GRU)) else ""
        raise NoForm(
            f"{form} has no module for the model {model.kind} {where}of Memspan; rnn, lstm and gru with one answer at "
            "the last step or at every step have one. Take layout=memspan.",
            "model",
        )
    return recurrence


def biases(weights: Tensors, layer: Layer) -> tuple[Tensor, Tensor]:
    """The bias of the input's product and that of the recurrent one, each (G H,); zeros where there is none."""
    bias = weights[f"{layer.name}.bias"]
    return bias, weights.get(f"{layer.name}.recurrent_bias", torch.zeros_like(bias))


def blocks(matrix: Tensor, order: tuple[int, ...]) -> Tensor:
    """The same gates in another order: blocks of the last axis."""
    parts = matrix.chunk(len(order), dim=-1)
    return torch.cat([parts[place] for place in order], dim=-1)
