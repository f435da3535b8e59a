"""The pointwise part of a cell as a small graph: equal nodes are one node, and constants are worked out at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Union

COSTLY = frozenset({"tanh", "sigmoid", "exp", "log", "log1p", "log1p_of_share", "div", "sqrt"})
"""primitives that cost more than reading a stored number back"""
COMMUTATIVE = frozenset({"add", "mul", "max", "min", "and", "or", "eq", "ne"})
FOLDED: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b if b else math.nan,
    "neg": lambda a: -a,
}


@dataclass(frozen=True)
class Node:
    """A primitive of earlier nodes, a constant, or something given: its ``name`` is then e.g. ``gate.i``."""

    operation: str
    inputs: tuple[int, ...] = ()
    name: str = ""
    number: float = 0.0

    def __str__(self) -> str:
        if self.operation == "constant":
            return f"{self.number:.9g}"
        return " ".join([self.operation, *(f"%{index}" for index in self.inputs), self.name]).strip()


@dataclass
class Graph:
    """Nodes in the order in which they were made: inputs come before what uses them."""

    nodes: list[Node] = field(default_factory=list)
    _found: dict[Node, int] = field(default_factory=dict)

    def given(self, name: str) -> Value:
        """A number that the loop supplies."""
        return self._value(Node("given", name=name))

    def constant(self, number: float) -> Value:
        return self._value(Node("constant", number=float(number)))

    def apply(self, operation: str, *operands: Operand) -> Value:
        """The value of a primitive; trivial ones give what they are equal to."""
        values = [self.lift(operand) for operand in operands]
        numbers = [self.number(value) for value in values]
        if operation in FOLDED and all(number is not None for number in numbers):
            return self.constant(FOLDED[operation](*numbers))
        simpler = self._simpler(operation, values, numbers)
        if simpler is not None:
            return simpler
        inputs = tuple(value.index for value in values)
        return self._value(Node(operation, tuple(sorted(inputs)) if operation in COMMUTATIVE else inputs))

    def lift(self, operand: Operand) -> Value:
        return operand if isinstance(operand, Value) else self.constant(operand)

    def number(self, value: Value) -> float | None:
        """The number of a constant."""
        node = self.nodes[value.index]
        return node.number if node.operation == "constant" else None

    def reachable(self, roots: Iterable[int]) -> set[int]:
        """The roots and all that they are made of."""
        found, waiting = set(), list(roots)
        while waiting:
            index = waiting.pop()
            if index not in found:
                found.add(index)
                waiting += self.nodes[index].inputs
        return found

    def _value(self, node: Node) -> Value:
        if node not in self._found:
            self._found[node] = len(self.nodes)
            self.nodes.append(node)
        return Value(self, self._found[node])

    def _simpler(self, operation: str, values: list[Value], numbers: list[float | None]) -> Value | None:
        """x + 0, x - 0, 1 x, x / 1, 1 / (1 / x) and -(-x) are x; 0 x is 0, for gradients that nothing sends."""
        if operation == "neg" and self.nodes[values[0].index].operation == "neg":
            return Value(self, self.nodes[values[0].index].inputs[0])
        if operation in ("add", "mul"):
            neutral = 0.0 if operation == "add" else 1.0
            for number, other in zip(numbers, reversed(values), strict=True):
                if number == neutral:
                    return other
            if operation == "mul" and 0.0 in numbers:
                return self.constant(0)
        if (operation, numbers[-1]) in (("sub", 0.0), ("div", 1.0)):
            return values[0]
        if operation == "div" and numbers[0] == 1.0:
            return self._inverted(values[1])
        return None

    def _inverted(self, value: Value) -> Value | None:
        """What a value is one over, if it is."""
        node = self.nodes[value.index]
        if node.operation == "div" and self.number(Value(self, node.inputs[0])) == 1.0:
            return Value(self, node.inputs[1])
        return None


@dataclass(frozen=True, eq=False)
class Value:
    """A node, with arithmetic."""

    graph: Graph
    index: int

    def __add__(self, other: Operand) -> Value:
        return self.graph.apply("add", self, other)

    def __radd__(self, other: Operand) -> Value:
        return self + other

    def __sub__(self, other: Operand) -> Value:
        return self.graph.apply("sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self.graph.apply("sub", other, self)

    def __mul__(self, other: Operand) -> Value:
        return self.graph.apply("mul", self, other)

    def __rmul__(self, other: Operand) -> Value:
        return self * other

    def __truediv__(self, other: Operand) -> Value:
        return self.graph.apply("div", self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return self.graph.apply("div", other, self)

    def __neg__(self) -> Value:
        return self.graph.apply("neg", self)

    def to(self, operation: str, *others: Operand) -> Value:
        """A primitive of this value and perhaps others."""
        return self.graph.apply(operation, self, *others)


Operand = Union[Value, float]
