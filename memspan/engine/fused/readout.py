"""The read-out, its loss, its metrics, and the gradients that go down from it."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from memspan.engine.fused import functions
from memspan.engine.fused.assembly import Code
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import BIT_VECTOR, BITS, DOUBLE, FLOAT, POINTER, VECTOR, WHOLE
from memspan.interfaces.signature import Problem, Signature

METRICS = 3
"""loss, accuracy, exact: places in a member's sums"""


def readout(signature: Signature, size: int, weights: int, bias: int, learning: bool) -> Kernel:
    """``f(steps, top, top_stride, targets, row, above, gradients, sums, count, scale, answer_from)``.

    Args:
        size: outputs of the top layer, H.
        weights, bias: places in a row.
        learning: whether gradients are wanted: of the outputs into ``above`` (steps, H), of the weights added up.

    ``top`` are H vectors for each of the steps whose answer is due, ``top_stride`` vectors apart; ``targets`` one
    vector of class numbers a step, or K vectors; ``sums`` doubles to which each metric x sequences is added;
    ``count`` says how many lanes count; ``scale`` multiplies the gradient of each answer's loss.
    """
    code = Code(UNNAMED, [WHOLE, POINTER, WHOLE, POINTER, POINTER, POINTER, POINTER, POINTER, WHOLE, FLOAT, WHOLE])
    _Readout(code, signature, size, weights, bias, learning).write()
    return kernel("learn" if learning else "measure", code)


class _Readout:
    def __init__(self, code: Code, signature: Signature, size: int, weights: int, bias: int, learning: bool) -> None:
        self._code, self._size, self._weights, self._bias, self._learning = code, size, weights, bias, learning
        self._is_class = signature.problem is Problem.CLASSIFICATION
        self._outputs = signature.outputs
        self._every_step = signature.every_step
        (self._steps, self._top, self._stride, self._targets, self._row, self._above, self._gradients, self._sums,
         count, scale, self._answer_from) = code.arguments  # fmt: skip
        self._counts = self._lanes_below(count)
        self._scale = code.mul(self._counts, code.spread(scale))

    def _lanes_below(self, count: Any) -> Any:
        """1 in the lanes that count, 0 in the others."""
        code = self._code
        lanes = ir.Constant(BIT_VECTOR, [BITS(lane) for lane in range(LANES)])
        below = code.build.icmp_signed("<", lanes, code.spread(code.build.trunc(count, BITS)))
        return code.select(below, code.number(1), code.number(0))

    def write(self) -> None:
        code = self._code
        loss, hits = code.variable(VECTOR, code.number(0)), code.variable(VECTOR, code.number(0))
        exact = code.variable(VECTOR, code.number(1))
        with code.loop(self._steps) as now:
            top = code.vector_at(self._top, code.times(now, self._stride))
            outputs = self._answer(top)
            slopes, own = self._loss(now, outputs)
            code.set(loss, code.add(code.get(loss), own))
            if self._is_class:
                self._count(now, self._hit(now, outputs), hits, exact)
            if self._learning:
                self._learn(now, top, slopes)
        self._report(0, self._mean(loss, self._steps))
        if self._is_class:
            self._report(1, self._mean(hits, code.build.sub(self._steps, self._answer_from)))
            if self._every_step:
                self._report(2, code.get(exact))

    def _answer(self, top: Any) -> list[Any]:
        """h V + b."""
        code = self._code
        totals = [code.variable(VECTOR, code.broadcast(self._row, self._bias + k)) for k in range(self._outputs)]
        with code.loop(self._size) as unit:
            h = code.load(top, unit)
            start = code.plus(self._weights, code.times(unit, self._outputs))
            for k, total in enumerate(totals):
                code.set(total, code.fma(h, code.broadcast(self._row, code.plus(start, k)), code.get(total)))
        return [code.get(total) for total in totals]

    def _target(self, now: Any, place: int, each: int) -> Any:
        return self._code.load(self._targets, self._code.plus(self._code.times(now, each), place))

    def _loss(self, now: Any, outputs: list[Any]) -> tuple[list[Any], Any]:
        """What each output's gradient is before scaling, and the loss of each lane."""
        return self._cross_entropy(now, outputs) if self._is_class else self._squared_error(now, outputs)

    def _squared_error(self, now: Any, outputs: list[Any]) -> tuple[list[Any], Any]:
        """(y - target)^2, a mean over the outputs."""
        code = self._code
        errors = [code.sub(y, self._target(now, k, self._outputs)) for k, y in enumerate(outputs)]
        total = code.number(0)
        for error in errors:
            total = code.fma(error, error, total)
        share = code.number(1 / self._outputs)
        return [code.mul(error, code.number(2 / self._outputs)) for error in errors], code.mul(total, share)

    def _cross_entropy(self, now: Any, outputs: list[Any]) -> tuple[list[Any], Any]:
        """log sum e^y - y[target], and softmax - one-hot."""
        code = self._code
        largest = outputs[0]
        for y in outputs[1:]:
            largest = code.intrinsic("llvm.maximum", largest, y)
        exponentials = [functions.exp(code, code.sub(y, largest)) for y in outputs]
        total = exponentials[0]
        for each in exponentials[1:]:
            total = code.add(total, each)
        inverse = code.div(code.number(1), total)
        target, chosen, slopes = self._target(now, 0, 1), code.number(0), []
        for k, (y, each) in enumerate(zip(outputs, exponentials, strict=True)):
            is_target = code.compare("==", target, code.number(k))
            chosen = code.select(is_target, y, chosen)
            slopes.append(code.fma(each, inverse, code.select(is_target, code.number(-1), code.number(0))))
        return slopes, code.add(functions.log(code, total), code.sub(largest, chosen))

    def _hit(self, now: Any, outputs: list[Any]) -> Any:
        """1 where the likeliest class is the target, NaN where an output is."""
        code = self._code
        best, place = outputs[0], code.number(0)
        unknown = code.build.fcmp_unordered("uno", best, best)
        for k, y in enumerate(outputs[1:], 1):
            better = code.compare(">", y, best)
            best, place = code.select(better, y, best), code.select(better, code.number(k), place)
            unknown = code.build.or_(unknown, code.build.fcmp_unordered("uno", y, y))
        right = code.compare("==", place, self._target(now, 0, 1))
        hit = code.select(right, code.number(1), code.number(0))
        return code.select(unknown, code.number(float("nan")), hit)

    def _count(self, now: Any, hit: Any, hits: Any, exact: Any) -> None:
        """Answers before ``answer_from`` don't count."""
        code = self._code
        early = code.spread(code.build.icmp_signed("<", now, self._answer_from))
        code.set(hits, code.add(code.get(hits), code.select(early, code.number(0), hit)))
        code.set(exact, code.mul(code.get(exact), code.select(early, code.number(1), hit)))

    def _mean(self, total: Any, count: Any) -> Any:
        code = self._code
        return code.div(code.get(total), code.spread(code.build.sitofp(count, FLOAT)))

    def _report(self, metric: int, value: Any) -> None:
        """Add a metric of the lanes that count to the member's sum."""
        code = self._code
        place = code.at(self._sums, metric, DOUBLE)
        total = code.total(code.mul(value, self._counts))
        code.build.store(code.build.fadd(code.build.load(place, typ=DOUBLE), total), place)

    def _learn(self, now: Any, top: Any, slopes: list[Any]) -> None:
        """Gradients of the weights, and of the outputs of the top layer."""
        code = self._code
        slopes = [code.mul(slope, self._scale) for slope in slopes]
        for k, slope in enumerate(slopes):
            code.add_to(self._gradients, self._bias + k, slope)
        with code.loop(self._size) as unit:
            h, sent = code.load(top, unit), code.number(0)
            start = code.plus(self._weights, code.times(unit, self._outputs))
            for k, slope in enumerate(slopes):
                place = code.plus(start, k)
                sent = code.fma(code.broadcast(self._row, place), slope, sent)
                code.store(code.fma(h, slope, code.load(self._gradients, place)), self._gradients, place)
            code.store(sent, self._above, code.plus(code.times(now, self._size), unit))
