"""How much of what a core can do each fused kernel does, and what holds it up.

Arithmetic is counted in the very instructions that are generated: those of a time step of a unit forward and back, and
two operations for each weight in each of three products (forward, backward, for the weight's own gradient). Gathering
batches, the read-out and the move of the weights are not counted as work done, only as time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.engine_speed import condition, step_milliseconds
from benchmarks.processor import Core, core
from benchmarks.report import Figure, table
from memspan.engine.condition import Condition
from memspan.engine.fused.assembly import Code
from memspan.engine.fused.layout import LANES, LayerLayout, layouts
from memspan.engine.fused.llvm_types import POINTER
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.trace import TracedStep

BATCH, LENGTH, MEMBERS = 16, 100, 30
SECONDS = 1.5
KERNELS: tuple[tuple[str, int], ...] = (
    ("rnn", 1), ("lstm", 1), ("gru", 1), ("rnn", 8), ("lstm", 8), ("gru", 8), ("lstm", 16),
)  # fmt: skip


@dataclass(frozen=True)
class Count:
    """Instructions of 16 lanes."""

    multiply_adds: int = 0
    plain: int = 0
    divisions: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    def __mul__(self, times: int) -> "Count":
        return Count(*(times * each for each in vars(self).values()))

    @property
    def operations(self) -> int:
        """Floating-point operations; a multiply-add is two."""
        return LANES * (2 * self.multiply_adds + self.plain + self.divisions)

    def least(self, processor: Core) -> float:
        """Nanoseconds if nothing but arithmetic took time: divisions have a unit of their own."""
        return max((self.multiply_adds + self.plain) * processor.multiply_add, self.divisions * processor.division)


def main(quick: bool = False) -> str:
    """Share of the peak of one core, kernel by kernel."""
    processor = core()
    figures = [
        Figure("one core at most: multiply-adds", f"{processor.gflops:.0f} GFLOP/s: {processor.multiply_add:.3f} ns"),
        Figure("divisions of 16 numbers", f"{processor.division:.2f} ns each"),
        Figure("multiply-adds that wait for each other", f"{processor.waiting:.2f} ns each"),
    ]
    for kind, size in KERNELS[:2] if quick else KERNELS:
        figures.append(_row(kind, size, processor, 0.2 if quick else SECONDS))
    return table(f"Share of the peak of one core, T = {LENGTH}, batch {BATCH}, {MEMBERS} repeats", figures)


def _row(kind: str, size: int, processor: Core, seconds: float) -> Figure:
    asked = condition({"kind": "latch"}, {"kind": kind, "hidden_size": size}, LENGTH, BATCH)
    nanoseconds = 1e6 * step_milliseconds(asked, MEMBERS, seconds) / LENGTH
    pointwise, products = _counts(asked)
    done = pointwise + products
    share = done.operations / nanoseconds / processor.gflops
    dividing = done.divisions * processor.division
    words = (
        f"{nanoseconds:.0f} ns a time step, {done.operations / nanoseconds:.0f} GFLOP/s = {100 * share:.0f} %; "
        f"{_percent(products.operations, done.operations)} of it in products; "
        f"arithmetic alone {done.least(processor):.0f} ns, of that divisions {dividing:.0f}; "
        f"tape {_tape(asked)} B"
    )
    return Figure(f"{kind}({size})", words)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


def _counts(asked: Condition) -> tuple[Count, Count]:
    """Of a time step of 16 sequences: of the pointwise part, and of the products."""
    layers = layouts(asked.network())
    pointwise = sum((counted(each.step) * each.size for each in layers), Count())
    return pointwise, sum((Count(multiply_adds=3 * _weights(each)) for each in layers), Count())


def _weights(layout: LayerLayout) -> int:
    return layout.width * (layout.inputs + (0 if layout.recurrent_weights is None else layout.size))


def _tape(asked: Condition) -> int:
    """Bytes that a time step of 16 sequences leaves behind for the backward pass."""
    return 4 * LANES * sum(each.step_vectors for each in layouts(asked.network()))


def counted(step: TracedStep) -> Count:
    """The arithmetic of a unit's time step, forward and back."""
    given = [index for index, node in enumerate(step.graph.nodes) if node.operation == "given"]
    back = [*step.gradients, *step.state_gradients]
    known = {*given, *step.states, *step.tape}
    return _emitted(step, given, step.states) + _emitted(step, known, back)


def _emitted(step: TracedStep, given: Iterable[int], roots: Iterable[int]) -> Count:
    """What is written for some nodes where others are known; nothing of it is run."""
    code = Code("counted", [POINTER])
    known = {index: code.load(code.arguments[0], place) for place, index in enumerate(given)}
    made = Pointwise(code, step.graph, known, tuple(roots))
    for root in roots:
        code.store(made[root], code.arguments[0])
    return _in_text(code.finish().splitlines())


def _in_text(lines: Iterable[str]) -> Count:
    found: dict[str, int] = dict.fromkeys(("multiply_adds", "plain", "divisions"), 0)
    for name in filter(None, map(_kind, lines)):
        found[name] += 1
    return Count(**found)


def _kind(line: str) -> str | None:
    if "call" in line and "llvm.fma" in line:
        return "multiply_adds"
    if "= fdiv" in line or ("llvm.sqrt" in line and "call" in line):
        return "divisions"
    return "plain" if any(f"= {verb} " in line for verb in ("fadd", "fsub", "fmul")) else None


if __name__ == "__main__":
    print(main())
