"""Initializers: how weights start, exactly as the named framework does it."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from memspan.interfaces.network import Initializer


def zeros(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """All zero."""
    return torch.zeros(shape)


def uniform(bound: float) -> Initializer:
    """U(-bound, bound)."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        return (2 * torch.rand(shape, generator=rng) - 1) * bound

    return draw


def normal(deviation: float) -> Initializer:
    """N(0, deviation^2)."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        return torch.randn(shape, generator=rng) * deviation

    return draw


def constant(value: float) -> Initializer:
    """The same number everywhere."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        return torch.full(shape, value)

    return draw


def identity(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """The identity matrix."""
    return torch.eye(*shape)


def glorot_uniform(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """U(-l, l) with l = sqrt(6 / (fan in + fan out)); the last two axes are (in, out), those before a kernel's.

    Source:
        Glorot & Bengio (2010); Keras ``GlorotUniform``, whose fan out of an LSTM kernel is 4 H.
    """
    field = math.prod(shape[:-2])
    bound = math.sqrt(6 / (field * (shape[-2] + shape[-1])))
    return uniform(bound)(shape, rng)


def orthogonal(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """A (rows, columns) matrix with orthonormal rows (or columns, if there are fewer of them).

    Source:
        Saxe, McClelland & Ganguli (2014); Keras ``Orthogonal``: QR of a normal matrix, signs from the diagonal of R.
    """
    rows, columns = shape
    normal = torch.randn(max(shape), min(shape), generator=rng, dtype=torch.float64)
    q, r = torch.linalg.qr(normal)
    q = q * torch.where(torch.diagonal(r) < 0, -1.0, 1.0)
    matrix: Tensor = q.T if rows < columns else q
    return matrix.float().contiguous()


def by_block(*starts: Initializer) -> Initializer:
    """A vector of equal blocks, one initialiser for each."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        size = shape[0] // len(starts)
        return torch.cat([start((size,), rng) for start in starts])

    return draw


def torch_uniform(gates: int) -> Initializer:
    """U(±1/sqrt(H)) for a weight whose last axis holds ``gates`` blocks of H.

    Source:
        docs.pytorch.org, LSTMCell: "All the weights and biases are initialized from U(-sqrt(k), sqrt(k))", k = 1/H.
    """

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        return uniform(math.sqrt(gates / shape[-1]))(shape, rng)

    return draw


def chrono(length: int) -> Initializer:
    """log U(1, T - 1): gate biases whose time constants are spread over a sequence of T steps.

    Source:
        Tallec & Ollivier (2018), arXiv 1804.11188, section 3.
    """

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        longest = max(length - 1, 1)
        return torch.log(1 + (longest - 1) * torch.rand(shape, generator=rng))

    return draw


def negative(start: Initializer) -> Initializer:
    """What another initialiser draws, with the opposite sign."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        return -start(shape, rng)

    return draw
