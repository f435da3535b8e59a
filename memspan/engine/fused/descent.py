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
from memspan.training import Training

CLIP, SHRINKAGE, OWN = range(3)
"""places of a step's scalars: the largest norm of a gradient, what weights decay to, the optimiser's own numbers"""


def scalars(training: Training, steps: Iterable[int]) -> list[float]:
    """The numbers that ``descent`` reads at some steps (from 1), one step behind the other."""
    found: list[float] = []
    clip, optimizer, decays = training.clip_norm or 0.0, training.optimizer, training.weight_decay
    for step in steps:
        found += (clip, training.shrinkage(step) if decays else 1.0)
        found += optimizer.numbers(step, training.rate(step)).values()
    return found


def descent(training: Training) -> Kernel:
    """``f(blocks, row, slots, between, gradients, scalars)``: one step of one member.

    ``row`` and the optimiser's ``slots`` are blocks of 16 numbers, and ``between`` so many vectors lie from one slot to
    the next; ``gradients`` are one vector a number, set back to 0.
    """
    return _descent(rule(training.optimizer), training.clip_norm is not None, training.weight_decay > 0)


@lru_cache(maxsize=64)
def _descent(rule: Rule, clips: bool, decays: bool) -> Kernel:
    code = Code(UNNAMED, [WHOLE, POINTER, POINTER, WHOLE, POINTER, POINTER])
    _Descent(code, rule).write(clips, decays)
    return kernel("descent", code)


class _Descent:
    def __init__(self, code: Code, rule: Rule) -> None:
        self._code, self._rule = code, rule
        self._blocks, self._row, slots, between, self._gradients, self._scalars = code.arguments
        self._slots = [code.vector_at(slots, code.times(between, place)) for place in range(len(rule.slots))]
        self._own = {node: code.broadcast(self._scalars, OWN + place) for place, node in enumerate(rule.scalars)}

    def write(self, clips: bool, decays: bool) -> None:
        code = self._code
        share = self._clipping() if clips else None
        shrinkage = code.broadcast(self._scalars, SHRINKAGE) if decays else None
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
        code, clip = self._code, self._code.broadcast(self._scalars, CLIP)
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
