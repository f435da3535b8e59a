"""From the graph of a cell to instructions: each node once, products that are added become one instruction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from memspan.engine.fused import functions
from memspan.engine.fused.assembly import Code
from memspan.engine.fused.graph import Graph, Node

PLAIN: Mapping[str, Callable[..., Any]] = {
    "sub": Code.sub,
    "add": Code.add,
    "mul": Code.mul,
    "div": Code.div,
    "neg": Code.neg,
    "abs": lambda code, x: code.intrinsic("llvm.fabs", x),
    "sqrt": lambda code, x: code.intrinsic("llvm.sqrt", x),
    "max": lambda code, x, y: code.intrinsic("llvm.maximum", x, y),
    "min": lambda code, x, y: code.intrinsic("llvm.minimum", x, y),
    "lt": lambda code, x, y: code.compare("<", x, y),
    "le": lambda code, x, y: code.compare("<=", x, y),
    "gt": lambda code, x, y: code.compare(">", x, y),
    "ge": lambda code, x, y: code.compare(">=", x, y),
    "eq": lambda code, x, y: code.compare("==", x, y),
    "ne": lambda code, x, y: code.compare("!=", x, y),
    "and": lambda code, x, y: code.build.and_(x, y),
    "or": lambda code, x, y: code.build.or_(x, y),
    "not": lambda code, x: code.build.not_(x),
    "where": Code.select,
    "tanh": functions.tanh,
    "sigmoid": functions.sigmoid,
    "exp": functions.exp,
    "log": functions.log,
    "log1p": functions.log1p,
    "log1p_of_share": functions.log1p_of_share,
}
"""The instructions of each primitive."""


class Pointwise:
    """Works out nodes in one place of the code.

    Args:
        given: values that are there already, by node.
        roots: what will be asked for; a product that only one sum uses is made together with it.
    """

    def __init__(self, code: Code, graph: Graph, given: Mapping[int, Any], roots: Iterable[int]) -> None:
        self._code, self._graph, self._values = code, graph, dict(given)
        self._uses = _uses(graph, list(roots), set(given))

    def __getitem__(self, index: int) -> Any:
        """The value of a node."""
        if index not in self._values:
            self._values[index] = self._made(self._graph.nodes[index])
        return self._values[index]

    def _made(self, node: Node) -> Any:
        if node.operation == "constant":
            return self._code.number(node.number)
        if node.operation in ("add", "sub"):
            fused = self._fused(node)
            if fused is not None:
                return fused
        if node.operation in ("max", "min"):
            bounded = self._bounded(node)
            if bounded is not None:
                return bounded
        return PLAIN[node.operation](self._code, *(self[index] for index in node.inputs))

    def _fused(self, node: Node) -> Any:
        """a b + c, a b - c or c - a b as one instruction, where nobody else needs a b."""
        for place in (1, 0):
            product = node.inputs[place]
            other = node.inputs[1 - place]
            if product == other or product in self._values or not self._is_single_product(product):
                continue
            a, b = (self[index] for index in self._graph.nodes[product].inputs)
            c = self[other]
            if node.operation == "add":
                return self._code.fma(a, b, c)
            return self._code.fma(self._code.neg(a), b, c) if place else self._code.fma(a, b, self._code.neg(c))
        return None

    def _is_single_product(self, index: int) -> bool:
        return self._graph.nodes[index].operation == "mul" and self._uses[index] == 1

    def _bounded(self, node: Node) -> Any:
        """The larger, or smaller, of a number and a constant."""
        for place in (0, 1):
            constant = self._graph.nodes[node.inputs[place]]
            if constant.operation == "constant":
                bound = self._code.at_least if node.operation == "max" else self._code.at_most
                return bound(self[node.inputs[1 - place]], constant.number)
        return None


def _uses(graph: Graph, roots: list[int], given: set[int]) -> Counter[int]:
    """How often each node is wanted by the nodes that will be made."""
    uses, seen, waiting = Counter(roots), set(given), list(roots)
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        for operand in graph.nodes[index].inputs:
            uses[operand] += 1
            waiting.append(operand)
    return uses
