"""What a probe looks at: something that answers sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.parts.network import Network, Weights
from memspan.parts.signature import Problem, Signature


@dataclass(frozen=True)
class Predictor:
    """M trained models of one shape, or an instrument of known memory (M = 1).

    ``answer`` maps inputs (B, T, C) to outputs (M, B, K): values for a regression, probabilities for a
    classification.
    """

    members: int
    answer: Callable[[Tensor], Tensor]

    def __call__(self, inputs: Tensor) -> Tensor:
        with torch.inference_mode():
            return self.answer(inputs)


def trained(network: Network, weights: Weights, signature: Signature, block_values: int = 2**22) -> Predictor:
    """The predictor of a population's weights; long inputs are answered in blocks to bound memory."""
    members = next(iter(weights.values())).shape[0]

    def answer(inputs: Tensor) -> Tensor:
        size = max(1, block_values // (members * inputs.shape[1] * max(inputs.shape[2], network.state_size, 1)))
        parts = [network.forward(weights, part.expand(members, *part.shape)) for part in inputs.split(size)]
        outputs = torch.cat(parts, dim=1)  # (M, B, K)
        return outputs.softmax(-1) if signature.problem is Problem.CLASSIFICATION else outputs

    return Predictor(members, answer)
