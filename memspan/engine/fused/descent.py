"""The end of an optimiser step: lanes are added up, the gradient is clipped, weights decay and move."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.lanes import summed
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import FLOAT, POINTER, VECTOR, WHOLE
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.rule import Rule, rule
from memspan.interfaces.tunable import settled
from memspan.training import Training

OWN = 1
"""the optimiser's own numbers come behind one of ``descent``: clip_norm at all steps, what weights decay to at each"""


def constants(training: Training) -> list[float]:
    """The numbers that ``descent`` reads at every step."""
    return [settled(training.clip_norm or 0.0), *training.optimizer.constants().values()]


def of_steps(training: Training, steps: Iterable[int]) -> list[float]:
    """The numbers that some steps (from 1) have of their own, one step behind the other."""
    found: list[float] = []
    optimizer, decays = training.optimizer, training.decays
    for step in steps:
        found.append(training.shrinkage(step) if decays else 1.0)
        found += optimizer.of_step(step, training.rate(step)).values()
    return found


def descent(training: Training) -> Kernel:
    """``f(blocks, row, slots, between, gradients, constants, of_step)``: one step of one member.

    ``row`` and the optimiser's ``slots`` are blocks of 16 numbers, and ``between`` so many vectors lie from one slot to
    the next; ``gradients`` are one vector a number, set back to 0.
    """
    return _descent(rule(training.optimizer), training.clip_norm is not None, training.decays)


@lru_cache(maxsize=64)
def _descent(rule: Rule, clips: bool, decays: bool) -> Kernel:
    code = Code(UNNAMED, [WHOLE, POINTER, POINTER, WHOLE, POINTER, POINTER, POINTER])
    _Descent(code, rule).write(clips, decays)
    return kernel("descent", code)


class _Descent:
    def __init__(self, code: Code, rule: Rule) -> None:
        self._code, self._rule = code, rule
        self._blocks, self._row, slots, between, self._gradients, self._constants, self._of_step = code.arguments
        self._slots = [code.vector_at(slots, code.times(between, place)) for place in range(len(rule.slots))]
        self._own = {
            node: code.broadcast(address, OWN + place)
            for address, nodes in ((self._constants, rule.constants), (self._of_step, rule.of_step))
            for place, node in enumerate(nodes)
        }

    def write(self, clips: bool, decays: bool) -> None:
        code = self._code
        share = self._clipping() if clips else None
        shrinkage = code.broadcast(self._of_step) if decays else None
        with code.loop(self._blocks) as block:
            gradient = self._gradient(block)
            self._forget(block)
            if share is not None:
                gradient = code.mul(gradient, share)
            weights = code.load(self._row, block)
            if shrinkage is not None:
                weights = code.mul(weights, shrinkage)
            self._move(block, weights, gradient)

    def _gradient(self, block: Any) -> Any:
        """16 numbers of the gradient."""
        start = self._code.times(block, LANES)
        rows = [self._code.load(self._gradients, self._code.plus(start, lane)) for lane in range(LANES)]
        return summed(self._code, rows)

    def _forget(self, block: Any) -> None:
        start = self._code.times(block, LANES)
        for lane in range(LANES):
            self._code.store(self._code.number(0), self._gradients, self._code.plus(start, lane))

    def _clipping(self) -> Any:
        """clip_norm / max(norm, clip_norm)."""
        code, clip = self._code, self._code.broadcast(self._constants)
        squares = code.variable(VECTOR, code.number(0))
        with code.loop(self._blocks) as block:
            gradient = self._gradient(block)
            code.set(squares, code.fma(gradient, gradient, code.get(squares)))
        total = code.build.fptrunc(code.total(code.get(squares)), FLOAT)
        norm = code.spread(code.intrinsic("llvm.sqrt", total))
        return code.div(clip, code.intrinsic("llvm.maximum", norm, clip))

    def _move(self, block: Any, weights: Any, gradient: Any) -> None:
        """The optimiser's rule.

        What it takes of the gradient is rounded by itself before it is added to anything: stored runs go on with the
        very numbers that they began with.
        """
        code, rule = self._code, self._rule
        slots = {node: code.load(slot, block) for node, slot in zip(rule.slots, self._slots, strict=True)}
        given = {rule.weight: weights, rule.gradient: gradient, **slots, **self._own}
        values = Pointwise(code, rule.graph, given, rule.roots)
        for share in rule.shares:
            values[share]
        for old, new, slot in zip(rule.slots, rule.remembered, self._slots, strict=True):
            if new != old:
                code.store(values[new], slot, block)
        code.store(values[rule.moved], self._row, block)
