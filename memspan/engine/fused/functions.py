"""Elementary functions of 16 lanes: no call, no branch, NaN stays NaN; errors of a few units in the last place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.llvm_types import BIT_VECTOR, VECTOR

TANH_LIMIT = 7.90531110763549805
TANH_ODD = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08, 1.48572235717979e-05,
    6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
TANH_EVEN = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
EXP = (
    1.383656752295792e-3, 8.375036530196667e-3, 4.166824370622635e-2, 1.6666416823863983e-1, 4.9999991059303284e-1,
    1.0, 1.0,
)  # fmt: skip
"""minimax of e^r for |r| <= 0.3475: relative error 2e-9"""
LOG = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
LOG1P = (
    5.232693627476692e-3, -2.950523979961872e-2, 7.822596281766891e-2, -1.3663247227668762e-1, 1.9106008112430573e-1,
    -2.484298199415207e-1, 3.331909775733948e-1, -4.999949336051941e-1, 9.999999403953552e-1,
)  # fmt: skip
"""minimax of log(1 + y) / y for y from 0 to 1: relative error 3e-8"""
LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4
LOG2_E = 1.44269504088896341
ROUNDER = 1.5 * 2**23
"""added to a small number, it leaves the nearest whole one in the last bits"""
ROOT_HALF_BITS = 0x3F3504F3


def polynomial(code: Code, x: Any, coefficients: Sequence[float]) -> Any:
    """Horner's rule, highest power first."""
    result = code.number(coefficients[0])
    for coefficient in coefficients[1:]:
        result = code.fma(result, x, code.number(coefficient))
    return result


def tanh(code: Code, x: Any) -> Any:
    """A rational function of degree 13 over 6. Source: Eigen 3.4, ``generic_fast_tanh_float``."""
    x = code.at_most(code.at_least(x, -TANH_LIMIT), TANH_LIMIT)
    square = code.mul(x, x)
    return code.div(code.mul(x, polynomial(code, square, TANH_ODD)), polynomial(code, square, TANH_EVEN))


def exp(code: Code, x: Any) -> Any:
    """2^n e^r with |r| <= ln(2) / 2, n added to the exponent's bits. Finite, and about 0 below e^-87."""
    x = code.at_most(code.at_least(x, -87.33), 88.37)
    shifted = code.fma(x, code.number(LOG2_E), code.number(ROUNDER))
    n = code.sub(shifted, code.number(ROUNDER))
    rest = code.fma(n, code.number(-LN2_LOW), code.fma(n, code.number(-LN2_HIGH), x))
    mantissa = code.build.bitcast(polynomial(code, rest, EXP), BIT_VECTOR)
    power = code.build.shl(code.build.bitcast(shifted, BIT_VECTOR), code.bits(23))
    return code.build.bitcast(code.build.add(mantissa, power), VECTOR)


def sigmoid(code: Code, x: Any) -> Any:
    """1 / (1 + e^-x), exact to the last places even where it is tiny."""
    return code.div(code.number(1), code.add(code.number(1), exp(code, code.neg(x))))


def log(code: Code, x: Any) -> Any:
    """The natural logarithm; -inf of 0, NaN below. Source: Cephes, ``logf``."""
    shifted = code.build.sub(code.build.bitcast(x, BIT_VECTOR), code.bits(ROOT_HALF_BITS))
    power = code.build.sitofp(code.build.ashr(shifted, code.bits(23)), VECTOR)
    mantissa = code.build.add(code.build.and_(shifted, code.bits(0x7FFFFF)), code.bits(ROOT_HALF_BITS))
    rest = code.sub(code.build.bitcast(mantissa, VECTOR), code.number(1))  # of a number in [sqrt(1/2), sqrt(2))
    square = code.mul(rest, rest)
    tail = code.mul(code.mul(rest, square), polynomial(code, rest, LOG))
    tail = code.fma(power, code.number(LN2_LOW), code.fma(square, code.number(-0.5), tail))
    result = code.fma(power, code.number(LN2_HIGH), code.add(rest, tail))
    return _log_at_the_ends(code, x, result)


def _log_at_the_ends(code: Code, x: Any, result: Any) -> Any:
    """What a logarithm is of 0, infinity, negative numbers and NaN."""
    infinity, nan = code.number(float("inf")), code.number(float("nan"))
    sound = code.compare("<", x, infinity)
    result = code.select(sound, result, x)  # infinity and NaN are their own logarithms
    result = code.select(code.compare("<", x, code.number(1.17549435e-38)), code.number(float("-inf")), result)
    return code.select(code.compare("<", x, code.number(0)), nan, result)


def log1p_of_share(code: Code, y: Any) -> Any:
    """log(1 + y) of 0 <= y <= 1, by a polynomial."""
    return code.mul(y, polynomial(code, y, LOG1P))


def log1p(code: Code, y: Any) -> Any:
    """log(1 + y), made good for what 1 + y rounds away. Source: Kahan, HP-15C Advanced Functions Handbook."""
    one = code.number(1)
    sum_ = code.add(one, y)
    lost = code.sub(y, code.sub(sum_, one))
    return code.add(log(code, sum_), code.div(lost, sum_))
