"""A traced step as equations that a person can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from memspan.engine.fused.graph import Node
from memspan.engine.fused.trace import TracedStep

SIGNS = {"or": "or", "and": "and", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
         "add": "+", "sub": "-", "mul": "*", "div": "/"}  # fmt: skip
STRENGTHS = {"or": -1, "and": -1, "add": 1, "sub": 1, "mul": 2, "div": 2}
"""how strongly signs bind; 0 for comparisons"""
ATOM = 3
PREFIXES = {"gate": "z.", "state": "", "parameter": "", "gradient": "d"}
Roots = Sequence[tuple[str, int]]
"""Names and nodes of what some equations lead to."""


class Equations:
    """The equations of a step, forward and backward.

    ``z.i`` is the pre-activation of gate i, ``c`` an old state, ``c'`` the new one, and ``d`` before a name the
    gradient of the loss by it. Nodes that are used more than once or kept on the tape have names, the others are
    written into them.

    Attributes:
        forward: what the forward loop works out, new states included.
        backward: what the backward loop works out from tape and states: gradients of pre-activations, of old states and
            of parameters.
        taped: what a time step leaves behind.
    """

    def __init__(self, step: TracedStep) -> None:
        self._step, self._graph = step, step.graph
        self._names = {index: _given(node) for index, node in enumerate(self._graph.nodes) if node.name}
        self._states, self._gates, self._parameters = map(self._kind, ("gradient", "gate", "parameter"))
        self._shared = self._used_often() | set(step.tape)
        self.forward = self._written([(f"{name}'", node) for name, node in zip(self._states, step.states, strict=True)])
        self.backward = self._written(self._gradients(), {*step.tape, *step.states})
        self.taped = [*(f"{name}'" for name in self._states), *(self._names[node] for node in step.tape)]

    def _kind(self, kind: str) -> list[str]:
        """Names of what is given of one kind, without the kind."""
        names = [node.name.partition(".") for node in self._graph.nodes]
        return [name for first, _, name in names if first == kind]

    def _gradients(self) -> Roots:
        step = self._step
        return [
            *zip((f"dz.{name}" for name in self._gates), step.gate_gradients, strict=True),
            *zip((f"d{name}" for name in self._states), step.state_gradients, strict=True),
            *zip((f"d{name}" for name in self._parameters), step.parameter_gradients, strict=True),
        ]

    def _used_often(self) -> set[int]:
        step, nodes = self._step, self._graph.nodes
        used = self._graph.reachable([*step.states, *(node for _, node in self._gradients())])
        uses = Counter(operand for index in used for operand in nodes[index].inputs)
        return {
            index for index, count in uses.items() if count > 1 and nodes[index].operation not in ("constant", "neg")
        }

    def _written(self, roots: Roots, known: frozenset[int] | set[int] = frozenset()) -> list[str]:
        """The equations of some nodes from others that are known."""
        nodes = [node for _, node in roots]
        for name, node in roots:
            if self._graph.nodes[node].operation != "constant":
                self._names.setdefault(node, name)
        lines = []
        for index in sorted(self._below(nodes, known)):
            if index in self._shared or index in nodes:
                name = self._names.get(index) or self._new_name(index)
                self._names[index] = name
                lines.append(f"{name} = {self._expression(index)[0]}")
        return lines + [f"{name} = {self._text(node)[0]}" for name, node in roots if self._names.get(node) != name]

    def _below(self, nodes: Sequence[int], known: frozenset[int] | set[int]) -> set[int]:
        """What some nodes are made of, down to what is known."""
        found: set[int] = set()
        waiting = list(nodes)
        while waiting:
            index = waiting.pop()
            node = self._graph.nodes[index]
            if index not in found | known and node.operation not in ("given", "constant"):
                found.add(index)
                waiting += node.inputs
        return found

    def _new_name(self, index: int) -> str:
        """The letter of a gate whose activation a node is, unless a state has it; else the next of a1, a2 ..."""
        inputs, taken = self._graph.nodes[index].inputs, {*self._names.values(), *self._states}
        gate = self._names.get(inputs[0], "").removeprefix("z.")
        if len(inputs) == 1 and gate in self._gates and gate not in taken:
            return gate
        count = 1
        while f"a{count}" in taken:
            count += 1
        return f"a{count}"

    def _text(self, index: int) -> tuple[str, int]:
        """A node's name, or what it is made of, and how strongly that holds together."""
        return (self._names[index], ATOM) if index in self._names else self._expression(index)

    def _expression(self, index: int) -> tuple[str, int]:
        node = self._graph.nodes[index]
        if node.operation == "constant":
            return f"{node.number:.6g}", ATOM
        if node.operation == "neg":
            return f"-{self._operand(node.inputs[0], ATOM)}", STRENGTHS["mul"]
        if node.operation in SIGNS:
            strength = STRENGTHS.get(node.operation, 0)
            left, right = node.inputs
            after = self._operand(right, strength + (node.operation in ("sub", "div")))
            text = f"{self._operand(left, strength)} {SIGNS[node.operation]} {after}"
            return text.replace("+ -", "- "), strength
        return f"{node.operation}({', '.join(self._text(each)[0] for each in node.inputs)})", ATOM

    def _operand(self, index: int, strength: int) -> str:
        text, own = self._text(index)
        return text if own >= strength else f"({text})"


def _given(node: Node) -> str:
    """``gate.i`` is z.i, ``state.c`` c, ``gradient.c`` dc', and a parameter has its own name."""
    kind, _, name = node.name.partition(".")
    return f"{PREFIXES[kind]}{name}" + ("'" if kind == "gradient" else "")
