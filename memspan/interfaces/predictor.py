"""What a probe looks at: something that answers sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.interfaces.network import Network, Weights
from memspan.interfaces.signature import Problem, Signature


@dataclass(frozen=True)
class Internals:
    """A network, the weights of its M members, and the shape of the task it was built for."""

    network: Network
    weights: Weights
    signature: Signature


@dataclass(frozen=True)
class Predictor:
    """M trained models of one shape, or an instrument of known memory (M = 1).

    Attributes:
        answer: inputs (B, T, C) -> outputs (M, B, K), or (M, B, T, K): values for a regression, probabilities for a
            classification. It can be differentiated by the inputs; calling the predictor itself spares that cost.
        internals: what the answer is computed with, for probes that look at weights and states; None for an instrument
            that has neither.
    """

    members: int
    answer: Callable[[Tensor], Tensor]
    internals: Internals | None = None

    def __call__(self, inputs: Tensor) -> Tensor:
        with torch.inference_mode():
            return self.answer(inputs)


def trained(network: Network, weights: Weights, signature: Signature, block_values: int = 2**22) -> Predictor:
    """The predictor of a population's weights; long inputs are answered in blocks to bound memory."""
    members = next(iter(weights.values())).shape[0]

    def answer(inputs: Tensor) -> Tensor:
        size = max(1, block_values // (members * network.held(inputs.shape[1], inputs.shape[2])))
        parts = [network.forward(weights, part.expand(members, *part.shape)) for part in inputs.split(size)]
        outputs = torch.cat(parts, dim=1)  # (M, B, K) or (M, B, T, K)
        return outputs.softmax(-1) if signature.problem is Problem.CLASSIFICATION else outputs

    return Predictor(members, answer, Internals(network, weights, signature))
