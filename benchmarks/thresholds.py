"""Thresholds of the engines: what a step takes on both sides of each, which is why it lies where it does.

The engines' constants name this benchmark. A threshold that doesn't matter on a newer processor shows here as equal
numbers, one that lies wrong as a smaller number beside it.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any
from unittest import mock

import torch

from benchmarks.engine_speed import condition, step_milliseconds
from benchmarks.layers import Case, drawn, fastest
from benchmarks.report import Figure, table
from memspan.engine.denormals import denormals_flushed
from memspan.engine.hybrid.runner import hybrid
from memspan.interfaces.recurrence import Layer

LENGTH, BATCH = 100, 16
MEMBERS = 12
"""runs of a stack: they go into groups of one, two, three and four"""
STACKED = 8
"""models that the torch engine stacks where they are small"""
SECONDS = 0.3
"""for which a step is timed"""


def main() -> str:
    """Core-microseconds of an optimiser step with each constant as it stands, and with others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with denormals_flushed():
            figures = [figure for rows in ROWS for figure in rows()]
    finally:
        torch.set_num_threads(before)
    return table("Thresholds of the engines: core-us of a step on both sides", figures)


@contextmanager
def changed(**values: float) -> Iterator[None]:
    """Other constants, wherever the engines know them, for what is compiled meanwhile."""
    with ExitStack() as patches:
        for module in engines():
            known: dict[str, Any] = {name: value for name, value in values.items() if hasattr(module, name)}
            if known:
                patches.enter_context(mock.patch.multiple(module, **known))
        forget()
        yield
    forget()


def engines() -> list[ModuleType]:
    """The modules of the engines that are loaded."""
    return [module for name, module in sys.modules.items() if name.startswith("memspan.engine.")]


def forget() -> None:
    """Leave nothing that was compiled with other constants."""
    for module in engines():
        for value in list(vars(module).values()):
            if callable(value) and hasattr(value, "cache_clear"):
                value.cache_clear()


def standing(name: str) -> str:
    """A constant with its value."""
    return f"{name} {next(getattr(module, name) for module in engines() if hasattr(module, name))}"


def compared(
    constant: str, model: Mapping[str, Any], values: Mapping[str, float], what: str, length: int = LENGTH
) -> Figure:
    """A step of the compiled loops by the values of a constant.

    Args:
        values: of the constant, by the words that name each in the table.
    """
    found = {}
    for words, value in values.items():
        with changed(**{constant: value}):
            asked = condition({"kind": "latch"}, dict(model), length, BATCH)
            found[words] = 1000 * step_milliseconds(asked, MEMBERS, SECONDS)
    return row(standing(constant), what, found)


def row(constant: str, what: str, found: Mapping[str, float]) -> Figure:
    return Figure(f"{constant}: {what}", ", ".join(f"{words}: {short(value)}" for words, value in found.items()))


def short(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def network(kind: str, *sizes: int) -> dict[str, Any]:
    return {"kind": kind, "hidden_size": sizes[0] if len(sizes) == 1 else list(sizes)}


def by_value(values: Sequence[float]) -> dict[str, float]:
    return {f"{value:g}": value for value in values}


def side_by_side() -> Iterator[Figure]:
    """Members whose time steps alternate in one loop."""
    for kind in ("rnn", "lstm", "gru"):
        yield compared("SIDE_BY_SIDE", network(kind, 1), by_value((1, 2, 3, 4)), f"{kind}(1), by members")


def unrolled() -> Iterator[Figure]:
    """All units written out, or a loop over them."""
    ways = {"rolled": 0, "unrolled": 10_000}
    for kind, gates, sizes in (("rnn", 1, (4, 6, 7, 8)), ("lstm", 4, (2, 3, 4)), ("gru", 3, (2, 3, 4))):
        for size in sizes:
            what = f"{kind}({size}), {gates * size * (size + 1)} products of weights"
            yield compared("UNROLLED_PRODUCTS", network(kind, size), ways, what)


def unrolled_inputs() -> Iterator[Figure]:
    """The product of one unit with many inputs, written out or looped over: the upper of two layers."""
    for inputs in (8, 16, 24, 32):
        ways = {"rolled": 1, "unrolled": 10_000}
        yield compared("UNROLLED_INPUTS", network("rnn", inputs, 1), ways, f"rnn(1) above rnn({inputs})")


def blocks_of_steps() -> Iterator[Figure]:
    """Time steps whose gradients are kept before they are multiplied with the outputs."""
    steps = by_value((4, 16, 32, 64, 256))
    with changed(BLOCK_VECTORS=1_000_000):
        for kind, size in (("rnn", 8), ("lstm", 8)):
            yield compared("LONGEST_BLOCK", network(kind, size), steps, f"{kind}({size}), T = 400, by steps", 400)
    with changed(LONGEST_BLOCK=1_000_000):
        vectors = by_value((512, 2048, 4096, 8192, 32768))
        yield compared("BLOCK_VECTORS", network("lstm", 32), vectors, "lstm(32), T = 400, by vectors", 400)


def levels_of_optimisation() -> Iterator[Figure]:
    """Code by LLVM's levels of optimisation."""
    for kind, size in (("lstm", 1), ("lstm", 8), ("gru", 8)):
        yield compared("SPEED", network(kind, size), by_value((1, 2, 3)), f"{kind}({size}), by LLVM's level")


def gathered() -> Iterator[Figure]:
    """Short sequences, moved into lanes number by number or 16 at a time."""
    for length in (2, 4, 8, 16):
        ways = {"by blocks": 0, "one by one": 64}
        yield compared("FEW", network("rnn", 1), ways, f"rnn(1), sequences of {length} numbers", length)


def calls() -> Iterator[Figure]:
    """What calling the loops costs, by how long a call trains."""
    yield compared("CALL_SECONDS", network("rnn", 1), by_value((0.001, 0.01, 0.1, 0.5)), "rnn(1), T = 10", 10)


def hybrids() -> Iterator[Figure]:
    """Where hybrid layers pay: by units, by time steps, and by outputs of a step."""
    size, steps, numbers = (standing(f"LEAST_{name}") for name in ("SIZE", "STEPS", "NUMBERS"))
    with changed(LEAST_SIZE=1):
        for kind in ("RNN", "LSTM", "GRU"):
            for units in (8, 16, 24, 32):
                yield pair(size, Case(kind, units, 50, 1), STACKED, BATCH)
        for length in (2, 3, 5):
            yield pair(steps, Case("LSTM", 32, length, 1), 1, BATCH)
        for units, batch in ((32, 8), (32, 16), (32, 32), (64, 32)):
            yield pair(numbers, Case("RNN", units, 50, 1), STACKED, batch)


def pair(constant: str, case: Case, members: int, batch: int) -> Figure:
    """Forward and backward by hybrid layers, and by autograd's way through time."""
    made = case.network()
    answer = hybrid(made, False, torch.device("cpu"), always)
    assert answer is not None
    weights, inputs = drawn(made, members), torch.randn(members, batch, case.length, case.channels)

    def step(way: Callable[[], torch.Tensor]) -> Callable[[], object]:
        return lambda: torch.autograd.grad(way().square().sum(), list(weights.values()))

    ways = [step(lambda: answer(weights, inputs, None)), step(lambda: made.forward(weights, inputs))]
    ours, autograd = (1000 * milliseconds for milliseconds in fastest(ways))
    what = f"{case}, batch {batch}, {members} model{'' if members == 1 else 's'}"
    return row(constant, what, {"hybrid": ours, "autograd": autograd})


def always(layer: Layer, members: int, steps: int, batch: int) -> bool:
    """In place of what pays."""
    return True


ROWS = (side_by_side, unrolled, unrolled_inputs, blocks_of_steps, levels_of_optimisation, gathered, calls, hybrids)


if __name__ == "__main__":
    print(main())
