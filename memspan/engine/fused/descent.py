"""The end of an optimiser step: lanes are added up, the gradient is clipped, weights decay and move."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from memspan.engine.fused.assembly import FLOAT, LANES, POINTER, VECTOR, WHOLE, Code
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.lanes import summed
from memspan.optimizers.adam import Adam
from memspan.optimizers.rmsprop import RMSprop
from memspan.optimizers.sgd import SGD
from memspan.training import Training

SETTINGS = 8
"""numbers of an optimiser, see ``settings``"""


def settings(training: Training) -> list[float]:
    """The numbers that ``descent`` reads: clip_norm, epsilon, momentum, then decays and what they leave."""
    optimizer = training.optimizer
    clip = training.clip_norm or 0.0
    if isinstance(optimizer, Adam):
        decays = [optimizer.beta_1, 1 - optimizer.beta_1, optimizer.beta_2, 1 - optimizer.beta_2]
        return [clip, optimizer.epsilon, 0.0, *decays, 0.0]
    if isinstance(optimizer, RMSprop):
        return [clip, optimizer.epsilon, optimizer.momentum, optimizer.rho, 1 - optimizer.rho, 0.0, 0.0, 0.0]
    assert isinstance(optimizer, SGD)
    return [clip, 0.0, optimizer.momentum, 0.0, 0.0, 0.0, 0.0, 0.0]


def rate(training: Training, step: int) -> float:
    """What a step (from 1) is multiplied with, the schedule and Adam's corrections included."""
    optimizer = training.optimizer
    plain = training.rate(step)
    if isinstance(optimizer, Adam):
        return plain * float((1 - optimizer.beta_2**step) ** 0.5) / (1 - optimizer.beta_1**step)
    return plain


def shrinkage(training: Training, step: int) -> float:
    """What weight decay multiplies the weights with at a step (from 1)."""
    return training.shrinkage(step)


def descent(training: Training) -> Kernel:
    """``f(blocks, row, first, second, gradients, settings, rate, shrinkage)``: one step of one member.

    ``row``, ``first`` and ``second`` (the optimiser's memory) are blocks of 16 numbers; ``gradients`` one vector a
    number, set back to 0.
    """
    optimizer = training.optimizer
    momentum = "velocity" in optimizer.slots()
    nesterov = isinstance(optimizer, SGD) and optimizer.nesterov
    kind = Kind(optimizer.kind, momentum, nesterov, training.clip_norm is not None, training.weight_decay > 0)
    return _descent(kind)


@dataclass(frozen=True)
class Kind:
    """What the code of a step depends on; all numbers are read when it runs."""

    optimizer: str
    momentum: bool
    nesterov: bool
    clips: bool
    decays: bool


@lru_cache(maxsize=64)
def _descent(kind: Kind) -> Kernel:
    code = Code(UNNAMED, [WHOLE, POINTER, POINTER, POINTER, POINTER, POINTER, FLOAT, FLOAT])
    _Descent(code, kind).write()
    return kernel("descent", code)


class _Descent:
    def __init__(self, code: Code, kind: Kind) -> None:
        self._code, self._kind = code, kind
        self._blocks, self._row, self._first, self._second, self._gradients, settings_, rate_, shrinkage_ = (
            code.arguments
        )
        self._settings = [code.broadcast(settings_, index) for index in range(SETTINGS)]
        self._rate, self._shrinkage = code.spread(rate_), code.spread(shrinkage_)

    def write(self) -> None:
        code = self._code
        clipped = self._clipping() if self._kind.clips else None
        with code.loop(self._blocks) as block:
            gradient = self._gradient(block)
            self._forget(block)
            if clipped is not None:
                gradient = code.mul(gradient, clipped)
            weights = code.load(self._row, block)
            if self._kind.decays:
                weights = code.mul(weights, self._shrinkage)
            code.store(self._moved(block, weights, gradient), self._row, block)

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
        code, (clip, *_) = self._code, self._settings
        squares = code.variable(VECTOR, code.number(0))
        with code.loop(self._blocks) as block:
            gradient = self._gradient(block)
            code.set(squares, code.fma(gradient, gradient, code.get(squares)))
        total = code.build.fptrunc(code.total(code.get(squares)), FLOAT)
        norm = code.spread(code.intrinsic("llvm.sqrt", total))
        return code.div(clip, code.intrinsic("llvm.maximum", norm, clip))

    def _moved(self, block: Any, weights: Any, gradient: Any) -> Any:
        moves = {"adam": self._adam, "rmsprop": self._rmsprop, "sgd": self._sgd}
        return moves[self._kind.optimizer](block, weights, gradient)

    def _remembered(self, memory: Any, block: Any, kept: Any, addend: Any) -> Any:
        """memory = kept memory + addend."""
        value = self._code.fma(kept, self._code.load(memory, block), addend)
        self._code.store(value, memory, block)
        return value

    def _adam(self, block: Any, weights: Any, gradient: Any) -> Any:
        """w -= a m / (sqrt(v) + e). Source: Kingma & Ba (2015), layout 2."""
        code = self._code
        _, epsilon, _, beta_1, rest_1, beta_2, rest_2, _ = self._settings
        mean = self._remembered(self._first, block, beta_1, code.mul(rest_1, gradient))
        square = self._remembered(self._second, block, beta_2, code.mul(code.mul(rest_2, gradient), gradient))
        change = code.div(mean, code.add(code.intrinsic("llvm.sqrt", square), epsilon))
        return code.fma(code.neg(self._rate), change, weights)

    def _rmsprop(self, block: Any, weights: Any, gradient: Any) -> Any:
        """w -= lr g / sqrt(v + e). Source: Tieleman & Hinton (2012); Keras' form."""
        code = self._code
        _, epsilon, momentum, rho, rest, *_ = self._settings
        square = self._remembered(self._first, block, rho, code.mul(code.mul(rest, gradient), gradient))
        change = code.div(gradient, code.intrinsic("llvm.sqrt", code.add(square, epsilon)))
        if self._kind.momentum:
            change = self._remembered(self._second, block, momentum, change)
        return code.fma(code.neg(self._rate), change, weights)

    def _sgd(self, block: Any, weights: Any, gradient: Any) -> Any:
        """w -= lr g, or v = m v - lr g and w += v (Nesterov: w += m v - lr g). Source: Keras' SGD."""
        code = self._code
        fall = code.mul(code.neg(self._rate), gradient)
        if not self._kind.momentum:
            return code.add(weights, fall)
        momentum = self._settings[2]
        velocity = self._remembered(self._first, block, momentum, fall)
        if self._kind.nesterov:
            return code.add(code.fma(momentum, velocity, weights), fall)
        return code.add(weights, velocity)
