"""What decision 0006 turned down: one training step by numba and by torch.compile beside ours, on one core."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn

from benchmarks import peer
from benchmarks.against_torch import Stacked
from benchmarks.engine_speed import condition, step_milliseconds
from benchmarks.report import Figure, table
from benchmarks.workload import Workload

LATCH = Workload("lstm", (1,), 50, 32, 30, 3_000)
ROWS = Workload("gru", (16,), 28, 32, 8, 500)
COMPILED_STEPS = 30
"""timed steps of torch's, which are slower"""
SECONDS = 2.0
AGREEMENT = 1e-4
"""relative difference of losses and gradients: numba's gradients are written by hand"""


def main(quick: bool = False) -> str:
    """Microseconds of a step of one model, and seconds of waiting for the first one."""
    return table("One training step of one model: forward, backward, Adam; batch 32, one core", list(_figures(quick)))


def _figures(quick: bool) -> Iterator[Figure]:
    loads = [LATCH, ROWS]
    ours = [_ours(load, 0.2 if quick else SECONDS) for load in loads]
    by_numba = _by_numba(loads)
    by_torch = [] if quick else peer.on_one_core("against_compile", [replace(e, steps=COMPILED_STEPS) for e in loads])
    for index, load in enumerate(loads):
        words = f"{load.cell}({load.sizes[0]}), T = {load.length}"
        yield Figure(f"{words}: ours", f"{1000 * ours[index]:.1f} µs")
        if by_numba:
            yield _row(f"{words}: numba", by_numba[index]["step_ms"], ours[index], by_numba[index]["first_s"])
        else:
            yield Figure(f"{words}: numba", peer.missing("against_numba"))
        for found in by_torch[index : index + 1]:
            stacked = f"{load.repeats} models stacked"
            yield _row(f"{words}: torch.compile, {stacked}", found["step_ms"], ours[index], found["first_s"])
            yield _row(f"{words}: torch, {stacked}", found["plain_ms"], ours[index])


def _row(words: str, milliseconds: float, ours: float, first: float | None = None) -> Figure:
    wait = "" if first is None else f", first step after {first:.0f} s"
    return Figure(words, f"{1000 * milliseconds:.1f} µs: {milliseconds / ours:.1f}x{wait}")


def _ours(load: Workload, seconds: float) -> float:
    asked = condition({"kind": "latch"}, {"kind": load.cell, "hidden_size": load.sizes[0]}, load.length, load.batch)
    return step_milliseconds(asked, load.repeats, seconds)


def _by_numba(loads: list[Workload]) -> list[peer.Measured]:
    if peer.python("against_numba") is None:
        return []
    found = peer.on_one_core("against_numba", loads)
    for load, each in zip(loads, found, strict=True):
        loss, norm = expected(load)
        if abs(each["loss"] / loss - 1) > AGREEMENT or abs(each["norm"] / norm - 1) > AGREEMENT:
            raise RuntimeError(f"numba's {load.cell} has loss {each['loss']}, torch's {loss}; gradients as far apart")
    return found


def expected(load: Workload) -> tuple[float, float]:
    """The loss of numba's first step and the norm of its gradient, by torch's own layers."""
    model = Stacked(load)
    count = sum(weight.numel() for weight in model.parameters())
    nn.utils.vector_to_parameters(_waves(count, 0.5), model.parameters())
    inputs = _waves(load.length * load.batch, 1.0).view(load.length, load.batch).t().unsqueeze(2)
    targets = torch.arange(load.batch) % load.outputs
    loss = nn.functional.cross_entropy(model(inputs), targets)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return float(loss.detach()), float(torch.cat([each.flatten() for each in gradients]).norm())


def _waves(count: int, scale: float) -> torch.Tensor:
    """The numbers that ``against_numba.waves`` makes."""
    return (scale * torch.arange(1, count + 1, dtype=torch.float64).sin()).float()
