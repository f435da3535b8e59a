"""An optimiser's rule as the fused engine sees it: one step of one weight as a graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from memspan.engine.fused.graph import Graph, Node
from memspan.engine.fused.trace import Recorder
from memspan.interfaces.optimizer import OptimizerSpec
from memspan.optimizers import move


@dataclass(frozen=True)
class Rule:
    """One step of an optimiser; equal rules have one loop, whatever their learning rates and decays.

    All but the nodes themselves are indices of nodes.

    Attributes:
        weight, gradient, slots, constants, of_step: what is given, in the order in which the spec names it.
        moved: the new weight.
        remembered: the new slots.
    """

    nodes: tuple[Node, ...]
    weight: int
    gradient: int
    slots: tuple[int, ...]
    constants: tuple[int, ...]
    of_step: tuple[int, ...]
    moved: int
    remembered: tuple[int, ...]

    @property
    def graph(self) -> Graph:
        return Graph(list(self.nodes))

    @property
    def roots(self) -> tuple[int, ...]:
        return (self.moved, *self.remembered)

    @property
    def shares(self) -> tuple[int, ...]:
        """Products of the gradient, inner ones first."""
        used = self.graph.reachable(self.roots)
        found = [index for index in sorted(used) if self.nodes[index].operation == "mul"]
        return tuple(index for index in found if self.gradient in self.nodes[index].inputs)

    def __str__(self) -> str:
        """The graph in words, as the tests keep it."""
        used = self.graph.reachable(self.roots)
        lines = [f"%{index} = {node}" for index, node in enumerate(self.nodes) if index in used]
        lines += [f"weight: %{self.moved}", " ".join(["slots:", *(f"%{index}" for index in self.remembered)])]
        return "\n".join(lines) + "\n"


@lru_cache(maxsize=256)
def rule(spec: OptimizerSpec) -> Rule:
    """Trace an optimiser, or UnknownOperation."""
    recorder = Recorder()
    weight, gradient = recorder.inputs(("weight", "gradient"))
    slots = dict(zip(spec.slots(), recorder.inputs(f"slot.{name}" for name in spec.slots()), strict=True))
    constants, of_step = (recorder.scalars(names) for names in (spec.constants(), spec.of_step(1, spec.step_size)))

    def nodes(tensors: Iterable[Tensor]) -> tuple[int, ...]:
        return tuple(recorder.value(tensor).index for tensor in tensors)

    def scalars(names: Iterable[str]) -> tuple[int, ...]:
        return tuple(recorder.graph.given(f"scalar.{name}").index for name in names)

    given = nodes((weight, gradient, *slots.values()))
    with torch.no_grad(), recorder:
        move(spec, weight, gradient, slots, constants | of_step)
    moved, *remembered = nodes((weight, *slots.values()))
    return Rule(
        tuple(recorder.graph.nodes), given[0], given[1], given[2:], scalars(constants), scalars(of_step), moved,
        tuple(remembered),
    )  # fmt: skip
