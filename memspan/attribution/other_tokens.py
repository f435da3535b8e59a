"""Another token of the same kind for each token: what a sequence would show had something else stood there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

ROUNDS = 16
"""times that a token is drawn anew because its sequence shows it somewhere already"""


def other_tokens(inputs: Tensor, kinds: Sequence[range], rng: Generator) -> Tensor:
    """For each token of some sequences (B, T, 1) another one of its kind, all of these equally likely.

    A token that its sequence shows somewhere already is drawn anew, if its kind has others: a second key that is asked
    for would be a second answer. Where a kind has a single token, any other token stands for it.

    Args:
        kinds: ranges that each token lies in one of.
    """
    tokens = inputs[..., 0].long()  # (B, T)
    least, count = _ranges(tokens, kinds)
    shown = torch.zeros(len(tokens), max(kind.stop for kind in kinds), dtype=torch.bool).scatter_(1, tokens, True)
    found = _another(tokens, least, count, rng)
    for _ in range(ROUNDS):
        found = torch.where(shown.gather(1, found), _another(tokens, least, count, rng), found)
    return found.unsqueeze(-1).to(inputs)


def _ranges(tokens: Tensor, kinds: Sequence[range]) -> tuple[Tensor, Tensor]:
    """The first token that may stand for each one, and how many there are from it on with itself; (B, T)."""
    least, count = torch.zeros_like(tokens), torch.full_like(tokens, max(kind.stop for kind in kinds))
    for kind in kinds:
        if len(kind) > 1:
            inside = (tokens >= kind.start) & (tokens < kind.stop)
            least, count = torch.where(inside, kind.start, least), torch.where(inside, len(kind), count)
    return least, count


def _another(tokens: Tensor, least: Tensor, count: Tensor, rng: Generator) -> Tensor:
    """One of the others from ``least`` on, all equally likely."""
    ahead = (torch.rand(tokens.shape, generator=rng, dtype=torch.float64) * (count - 1)).long().clamp_max(count - 2)
    return least + (tokens - least + 1 + ahead) % count
