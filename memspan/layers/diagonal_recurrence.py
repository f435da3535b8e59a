"""Linear recurrent units: a diagonal of complex numbers that a state is multiplied with every step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from memspan.interfaces.network import Initializer, Weight, Weights
from memspan.layers import initializers

SMALLEST = 1e-12
"""what keeps a logarithm finite when a uniform draw is 0"""


@dataclass(frozen=True)
class Ring:
    """Where the eigenvalues start: moduli in low .. high, uniform over the ring's area, and phases below ``phase``."""

    low: float
    high: float
    phase: float


def modes(ring: Ring) -> Initializer:
    """The rows ν, θ and γ of a (3, N) weight: λ = exp(-exp(ν) + i exp(θ)), and γ = log sqrt(1 - |λ|²).

    They are one weight because γ, which keeps the state's variance at that of its input, follows from ν.

    Source:
        Orvieto et al. (2023), arXiv 2303.06349, sections 3.2 to 3.4.
    """

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        area, angle = torch.rand((2, shape[1]), generator=rng, dtype=torch.float64).clamp(min=SMALLEST)
        squared = area * (ring.high**2 - ring.low**2) + ring.low**2  # |λ|²
        nu, theta = torch.log(-0.5 * torch.log(squared)), torch.log(ring.phase * angle)
        return torch.stack([nu, theta, 0.5 * torch.log(1 - squared)]).float()

    return draw


def diagonal(name: str, channels: int, units: int, ring: Ring) -> dict[str, Weight]:
    """The weights of a layer with N complex units between C channels in and C out.

    B (2, C, N) and C (2, N, C) hold real and imaginary parts, of variance 1 / (2 C) and 1 / N; D (C,) is standard
    normal. Source: the authors' appendix A.
    """
    return {
        f"{name}.modes": Weight((3, units), modes(ring)),
        f"{name}.B": Weight((2, channels, units), initializers.normal(1 / math.sqrt(2 * channels))),
        f"{name}.C": Weight((2, units, channels), initializers.normal(1 / math.sqrt(units))),
        f"{name}.D": Weight((channels,), initializers.normal(1.0)),
    }


def answer(weights: Weights, name: str, sequence: Tensor) -> Tensor:
    """y = Re(C x) + D ⊙ u at every step: (M, T, B, C) -> (M, T, B, C)."""
    real, imaginary = states(weights, name, sequence)
    out = weights[f"{name}.C"]
    shown = product(real, out[:, 0]) - product(imaginary, out[:, 1])
    return shown + weights[f"{name}.D"][:, None, None] * sequence


def states(weights: Weights, name: str, sequence: Tensor) -> tuple[Tensor, Tensor]:
    """x_t = λ ⊙ x_{t-1} + exp(γ) ⊙ (B u_t) at every step, real and imaginary part, each (M, T, B, N)."""
    nu, theta, gamma = weights[f"{name}.modes"][:, :, None, None].unbind(1)  # (M, 1, 1, N)
    into = weights[f"{name}.B"]
    driven = torch.complex(product(sequence, into[:, 0]), product(sequence, into[:, 1])) * torch.exp(gamma)
    x = accumulated(driven, torch.exp(torch.complex(-torch.exp(nu), torch.exp(theta))))
    return x.real, x.imag


def product(sequence: Tensor, matrix: Tensor) -> Tensor:
    """(M, T, B, I) times (M, I, O) -> (M, T, B, O)."""
    made: Tensor = torch.bmm(sequence.flatten(1, 2), matrix).unflatten(1, sequence.shape[1:3])
    return made


def rounds(steps: int) -> int:
    """How often the reach doubles until it covers all steps."""
    return (steps - 1).bit_length()


def accumulated(driven: Tensor, factor: Tensor) -> Tensor:
    """x_t = factor ⊙ x_{t-1} + driven_t from 0, for all t at once: (M, T, B, N) complex.

    After round k each x_t holds its last 2^k inputs; adding factor^(2^k) x_{t - 2^k} doubles their number. So T steps
    take log2 T rounds, and no power grows, because |factor| < 1.

    Source:
        Hillis & Steele (1986), Communications of the ACM 29(12).
    """
    for each in range(rounds(driven.shape[1])):
        reach = 2**each
        driven = driven + factor * pad(driven[:, :-reach], (0, 0, 0, 0, reach, 0))
        factor = factor * factor
    return driven
