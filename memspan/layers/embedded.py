"""Tokens for models that read numbers: an embedding ahead of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from memspan.interfaces.network import Network, Weights
from memspan.interfaces.noise import Noise
from memspan.interfaces.signature import Signature
from memspan.layers.embedding import Embedding

Noisy = Callable[[Weights, Tensor, Noise], Tensor]
DEVIATION = 1.0
"""of the embedding's weights at the start, that of the inputs which such models are made for, and of torch's Embedding
"""


def embedded(inner: Network, signature: Signature, size: int) -> Network:
    """A network of numbers behind an embedding, N(0, 1), of as many tokens as a signature has.

    Args:
        inner: built for ``size`` channels.
    """
    embedding = Embedding(signature.vocabulary, size, DEVIATION, classes=True)

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        return inner.forward(weights, embedding(weights, inputs))

    def at(weights: Weights, inputs: Tensor, steps: Tensor) -> Tensor:
        return inner.answer_at(weights, embedding(weights, inputs), steps)

    recurrence = inner.recurrence and replace(inner.recurrence, embedding=embedding)
    return replace(
        inner,
        weights={**embedding.weights(), **inner.weights},
        forward=forward,
        noisy=_noisy(embedding, inner.noisy) if inner.noisy else None,
        at=at if signature.every_step else None,
        recurrence=recurrence,
        kept=inner.kept + signature.length * size,
        multiplications=inner.products(signature.length, signature.every_step),
    )


def _noisy(embedding: Embedding, inner: Noisy) -> Noisy:
    """What training computes with dropout."""
    return lambda weights, inputs, noise: inner(weights, embedding(weights, inputs), noise)
