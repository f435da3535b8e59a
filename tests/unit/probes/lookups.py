"""Readers of tokens whose memory is known: they look a key up, as far back as they see, or read one lag."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.interfaces.network import Network, Weight, Weights
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.signature import Signature
from memspan.layers import initializers
from memspan.layers.embedding import Embedding

SURE = 0.99


def looks_up(vocabulary: int, window: int = 10_000, at_end: bool = False) -> Predictor:
    """Nearly sure of the token behind the last earlier showing of each step's token, if that lies in its window; else
    all tokens are equally likely to it.

    Args:
        at_end: whether it answers at the last step alone.
    """

    def answer(inputs: Tensor) -> Tensor:
        tokens = inputs[..., 0].long()  # (B, T)
        steps = torch.arange(tokens.shape[1])
        lag = steps.unsqueeze(1) - steps  # (T, T), back from the row's step
        same = (tokens.unsqueeze(2) == tokens.unsqueeze(1)) & (lag > 0) & (lag < window)
        last = torch.where(same, steps, -1).amax(2)  # (B, T)
        found = torch.full((*tokens.shape, vocabulary), (1 - SURE) / (vocabulary - 1))
        found.scatter_(-1, tokens.gather(1, last.clamp_min(0) + (last >= 0)).unsqueeze(-1), SURE)
        found = torch.where((last >= 0).unsqueeze(-1), found, 1 / vocabulary).unsqueeze(0)
        return found[:, :, -1] if at_end else found

    return Predictor(1, answer)


def says_the_last(vocabulary: int, known: int) -> Predictor:
    """Nearly sure of the last ``known`` tokens of a sequence that is to be said at its end, and of no other."""

    def answer(inputs: Tensor) -> Tensor:
        tokens = inputs[..., 0].long()
        found = torch.full((*tokens.shape, vocabulary), (1 - SURE) / (vocabulary - 1))
        found.scatter_(-1, tokens.unsqueeze(-1), SURE)
        found[:, :-known] = 1 / vocabulary
        return found.unsqueeze(0)

    return Predictor(1, answer)


def reads_one_lag(signature: Signature, lag: int, size: int = 3, members: int = 1) -> Predictor:
    """A network of an embedding whose answer at each step is made of the token ``lag`` steps ago and nothing else."""
    tokens = signature.vocabulary
    embedding = Embedding(tokens, size, 1.0, classes=True)
    weights = {**embedding.weights(), "readout.kernel": Weight((size, tokens), initializers.normal(1.0))}

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        shown = embedding(weights, inputs)  # (M, B, T, d)
        late = torch.cat([torch.zeros_like(shown[:, :, :lag]), shown[:, :, : shown.shape[2] - lag]], dim=2)
        logits = (late @ weights["readout.kernel"].unsqueeze(1)).tanh()
        return logits if signature.every_step else logits[:, :, -1]

    network = Network(weights, forward, state_size=0, receptive_field=lag + 1, any_length=True)
    rng = torch.Generator().manual_seed(lag)
    drawn = {name: weight.start((members, *weight.shape), rng) for name, weight in weights.items()}
    return trained(network, drawn, signature)
