"""Elementwise linear recurrences over many steps at once."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad


def scan(factor: Tensor, driven: Tensor) -> Tensor:
    """h_t = a_t ⊙ h_{t-1} + b_t from h = 0, for all t: (M, B, T, ...), of the same shape or one that broadcasts to it.

    Its backward pass is the same recurrence against time, g_t = dL/dh_t + a_{t+1} ⊙ g_{t+1}, whose g_t are the slopes
    of b_t, and g_t ⊙ h_{t-1} those of a_t: it keeps a and h, whatever the forward pass did in between.
    """
    found: Tensor = _Scan.apply(factor.expand_as(driven), driven)  # type: ignore[no-untyped-call]
    return found


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, factor: Tensor, driven: Tensor) -> Tensor:
        states = accumulated(factor, driven)
        ctx.save_for_backward(factor, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, sent: Tensor) -> tuple[Tensor, Tensor]:
        factor, states = ctx.saved_tensors
        later = torch.cat([factor[:, :, 1:], torch.zeros_like(factor[:, :, :1])], dim=2)
        slopes = accumulated(later, sent, reverse=True)
        before = torch.cat([torch.zeros_like(states[:, :, :1]), states[:, :, :-1]], dim=2)
        return slopes * before, slopes


def accumulated(factor: Tensor, driven: Tensor, reverse: bool = False) -> Tensor:
    """The recurrence in rows of about sqrt(T) steps: first all rows side by side, each from 0, then from row to row.

    So T steps take 2 sqrt(T) turns, each over 1 / sqrt(T) of all numbers. What came before a row is added to each of
    its steps times the product of the factors up to there. Of factors below 1 no product grows.

    Source:
        Blelloch (1990), Prefix sums and their applications, CMU-CS-90-190: scans by rows.
    """
    steps = driven.shape[2]
    width = math.isqrt(steps - 1) + 1
    rows = -(-steps // width)
    states, products = (_in_rows(each, rows, width) for each in (driven, factor))
    within, between = range(width), range(rows)
    if reverse:
        within, between = within[::-1], between[::-1]
    for before, now in pairwise(within):
        states[:, :, :, now].addcmul_(products[:, :, :, now], states[:, :, :, before])
        products[:, :, :, now].mul_(products[:, :, :, before])
    for before, now in pairwise(between):
        end = states[:, :, before, within[-1]]
        states[:, :, now].addcmul_(products[:, :, now], end.unsqueeze(2))
    return states.flatten(2, 3)[:, :, :steps]


def _in_rows(x: Tensor, rows: int, width: int) -> Tensor:
    """A copy of (M, B, T, ...) as (M, B, rows, width, ...), zeros behind the last step."""
    rest = rows * width - x.shape[2]
    copied = pad(x, (0, 0) * (x.dim() - 3) + (0, rest)) if rest else x.clone(memory_format=torch.contiguous_format)
    return copied.view(*x.shape[:2], rows, width, *x.shape[3:])
