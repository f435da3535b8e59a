"""A selective scan as one operation of autograd, by compiled loops, member after member."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from memspan.engine.fused.layout import LANES
from memspan.engine.hybrid.pool import BufferPool
from memspan.engine.hybrid.selective_kernels import BACKWARD, FORWARD, SIZES, selective_kernels


class CompiledScan:
    """h_en <- exp(Δ_e A_en) h_en + Δ_e u_e B_n, y_e = Σ_n C_n h_en, in single precision on a processor."""

    def __init__(self) -> None:
        self._pool = BufferPool()

    def __call__(self, u: Tensor, time: Tensor, rates: Tensor, into: Tensor, out: Tensor) -> Tensor:
        """Channels are padded to whole lanes.

        Shapes:
            u, time (M, B, T, E), rates (M, E, N), into, out (M, B, T, N) -> (M, B, T, E).
        """
        channels = u.shape[-1]
        rest = -channels % LANES
        u, time = (pad(each, (0, rest)) if rest else each for each in (u, time))
        across = pad(rates.transpose(1, 2), (0, rest)) if rest else rates.transpose(1, 2)  # (M, N, E)
        given = (each.contiguous() for each in (u, time, across, into, out))
        made: Tensor = _Selective.apply(self._pool, *given)  # type: ignore[no-untyped-call]
        return made[..., :channels] if rest else made


class _Selective(torch.autograd.Function):
    """Members don't share a cache, and each one's numbers are its own."""

    @staticmethod
    def forward(ctx: Any, pool: BufferPool, *shown: Tensor) -> Tensor:
        u, rates = shown[0], shown[2]
        members, rows, steps, channels = u.shape
        taped = any(ctx.needs_input_grad)
        slots = (members, steps + 1) if taped else (1, 1)
        tape = pool.lend(slots[0], rows, slots[1], rates.shape[1], channels)
        y = torch.empty_like(u)
        for member in range(members):
            own = (*(each[member] for each in shown), tape[member if taped else 0])
            selective_kernels().forward(_Arguments(FORWARD, taped, own, (y[member],)).address)
        ctx.pool, ctx.tape = pool, tape
        ctx.save_for_backward(*shown)
        if not taped:
            pool.take_back(tape)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, sent: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.tape is None:
            raise RuntimeError("The backward pass of a compiled scan can run once: its states are given back.")
        shown, sent = ctx.saved_tensors, sent.contiguous()
        rates = shown[2]
        found = tuple(torch.zeros_like(each) if each is rates else torch.empty_like(each) for each in shown)
        carried, sums = torch.empty_like(rates[0]), rates.new_empty(2, rates.shape[1], LANES)
        for member in range(len(rates)):
            own = (*(each[member] for each in shown), ctx.tape[member])
            others = (sent[member], carried, sums[0], sums[1], *(each[member] for each in found))
            selective_kernels().backward(_Arguments(BACKWARD, True, own, others).address)
        ctx.pool.take_back(ctx.tape)
        ctx.tape = None
        return (None, *found)


class _Arguments:
    """Whole numbers at one place in memory: sizes, then where numbers lie. It keeps what it points at alive."""

    def __init__(
        self, names: tuple[str, ...], taped: bool, shown: tuple[Tensor, ...], others: tuple[Tensor, ...]
    ) -> None:
        u, rates = shown[0], shown[2]
        states, channels = rates.shape
        sizes = (*u.shape[:2], channels, states, channels * states if taped else 0)
        self._tensors = (*shown, *others)
        if len(sizes) + len(self._tensors) != len(names) or len(sizes) != len(SIZES):
            raise ValueError(f"A loop is told {', '.join(names)}, given {len(self._tensors)} places.")
        self._numbers = np.array([*sizes, *(tensor.data_ptr() for tensor in self._tensors)], np.int64)
        self.address = self._numbers.ctypes.data
