"""What torch's pointwise operations are made of. A new operation is one line of the table.

The primitives, which the emitter knows: add, sub, mul, div, neg, abs, sqrt, exp, log, log1p, log1p_of_share (of a
number from 0 to 1), sigmoid, tanh, max, min, the comparisons lt, le, gt, ge, eq, ne, their connectives and, or, not,
and where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from memspan.engine.fused.graph import Operand, Value


def clamp(x: Value, low: Operand | None = None, high: Operand | None = None) -> Value:
    """The number of [low, high] that is nearest to x."""
    x = x if low is None else x.to("max", low)
    return x if high is None else x.to("min", high)


def between(x: Value, low: Operand, high: Operand) -> Value:
    """Whether low < x < high."""
    return x.to("gt", low).to("and", x.to("lt", high))


def power(base: Value, exponent: Value) -> Value:
    """base ** exponent of a base that is not negative; squares and roots without a logarithm."""
    number = base.graph.number(exponent)
    if number is not None and number in (0.0, 1.0, 2.0, 3.0):
        result = base.graph.constant(1)
        for _ in range(int(number)):
            result = result * base
        return result
    if number == 0.5:
        return base.to("sqrt")
    if number is not None and number < 0:
        return 1 / power(base, base.graph.constant(-number))
    return (exponent * base.to("log")).to("exp")


def softplus(x: Value, beta: Operand = 1, threshold: Operand = 20) -> Value:
    """log(1 + e^x) = max(x, 0) + log1p(e^-|x|), which never overflows and needs no threshold."""
    scaled = x * beta
    return (scaled.to("max", 0) + _shrunk(scaled).to("log1p_of_share")) / beta


def softplus_backward(gradient: Value, x: Value, beta: Operand, threshold: Operand) -> Value:
    """A sigmoid, made of the exponential that the softplus had."""
    scaled = x * beta
    shrunk = _shrunk(scaled)
    return gradient * (where(scaled.to("gt", 0), 1, shrunk) / (1 + shrunk))


def _shrunk(x: Value) -> Value:
    """e^-|x|, from 0 to 1."""
    return (-x.to("abs")).to("exp")


def where(mask: Value, yes: Operand, no: Operand) -> Value:
    return mask.to("where", yes, no)


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "add": lambda x, y, alpha=1: x + y * alpha,
    "sub": lambda x, y, alpha=1: x - y * alpha,
    "rsub": lambda x, y, alpha=1: y - x * alpha,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "pow": power,
    "sqrt": lambda x: x.to("sqrt"),
    "rsqrt": lambda x: 1 / x.to("sqrt"),
    "exp": lambda x: x.to("exp"),
    "log": lambda x: x.to("log"),
    "log1p": lambda x: x.to("log1p"),
    "abs": lambda x: x.to("abs"),
    "sgn": lambda x: where(x.to("gt", 0), 1, where(x.to("lt", 0), -1, 0)),
    "sign": lambda x: where(x.to("gt", 0), 1, where(x.to("lt", 0), -1, 0)),
    "addcmul": lambda x, y, z, value=1: x + value * y * z,
    "addcdiv": lambda x, y, z, value=1: x + y / z * value,
    "lerp": lambda x, y, weight: x + weight * (y - x),
    "tanh": lambda x: x.to("tanh"),
    "tanh_backward": lambda g, y: g * (1 - y * y),
    "sigmoid": lambda x: x.to("sigmoid"),
    "sigmoid_backward": lambda g, y: g * ((1 - y) * y),
    "silu": lambda x: x * x.to("sigmoid"),
    "relu": lambda x: x.to("max", 0),
    "threshold_backward": lambda g, x, threshold: where(x.to("le", threshold), 0, g),
    "leaky_relu": lambda x, slope=0.01: where(x.to("gt", 0), x, x * slope),
    "leaky_relu_backward": lambda g, x, slope, is_result: where(x.to("gt", 0), g, g * slope),
    "softplus": softplus,
    "softplus_backward": softplus_backward,
    "log_sigmoid_forward": lambda x: -softplus(-x),
    "hardsigmoid": lambda x: clamp(x * (1 / 6) + 0.5, 0, 1),
    "hardsigmoid_backward": lambda g, x: where(between(x, -3, 3), g * (1 / 6), 0),
    "hardtanh": clamp,
    "hardtanh_backward": lambda g, x, low, high: where(between(x, low, high), g, 0),
    "clamp": clamp,
    "clamp_min": clamp,
    "clamp_max": lambda x, high: clamp(x, None, high),
    "maximum": lambda x, y: x.to("max", y),
    "minimum": lambda x, y: x.to("min", y),
    "where": where,
    "masked_fill": lambda x, mask, value: where(mask, value, x),
    "lt": lambda x, y: x.to("lt", y),
    "le": lambda x, y: x.to("le", y),
    "gt": lambda x, y: x.to("gt", y),
    "ge": lambda x, y: x.to("ge", y),
    "eq": lambda x, y: x.to("eq", y),
    "ne": lambda x, y: x.to("ne", y),
    "logical_and": lambda x, y: x.to("and", y),
    "logical_or": lambda x, y: x.to("or", y),
    "logical_not": lambda x: x.to("not"),
    "clone": lambda x: x,
    "zeros_like": lambda x: x.graph.constant(0),
    "ones_like": lambda x: x.graph.constant(1),
    "full_like": lambda x, value: x.graph.lift(value),
}
"""By ATen's name; called with the operation's tensors and numbers as values, its flags as they are."""
