"""``python -m memspan.engine.fused.explain lstm``: what the fused engine makes of a model's cell, in words.

The cell's graph forwards and backwards, the loops around it, where its numbers lie in memory, and the size of the code.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from memspan.engine.condition import Condition
from memspan.engine.fused.arguments import part_name
from memspan.engine.fused.backward_rolled import block_steps
from memspan.engine.fused.compiler import assembly, compiled, machine_bytes
from memspan.engine.fused.equations import Equations
from memspan.engine.fused.layout import LANES, LayerLayout
from memspan.engine.fused.llvm_types import BYTES
from memspan.engine.fused.program import Program, program
from memspan.engine.fused.scope import largest_size, takes, works
from memspan.engine.fused.workspace import sequence_size, workspace
from memspan.engine.weight_rows import WeightRows
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.models import model
from memspan.registry import UnknownKind
from memspan.tasks.latch import Latch
from memspan.training import Training

LENGTH = 50
"""time steps of the task that the model is explained for: latching a bit"""


class Inexplicable(ValueError):
    """There is no compiled loop to explain; the message says why."""


def main(words: Sequence[str] | None = None) -> None:
    """Print the explanation, or end with a sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m memspan.engine.fused.explain", description="What the fused engine makes of a model's cell."
    )
    parser.add_argument("kind", help="of a recurrent model, e.g. lstm")
    parser.add_argument("--hidden-size", type=int, metavar="N", help="units; default: the model's own")
    asked = parser.parse_args(words)
    try:
        print(explained(asked.kind, asked.hidden_size))
    except (UnknownKind, Inexplicable) as error:
        sys.exit(str(error))


def explained(kind: str, hidden_size: int | None = None) -> str:
    """All about a model of a kind.

    Raises:
        UnknownKind: there is no such model.
        Inexplicable: it isn't trained by compiled loops.
    """
    asked = Condition(Latch(), _spec(kind, hidden_size), LENGTH, Training(), seed=0)
    if not works():
        raise Inexplicable("No code is compiled here: the compiler doesn't work, or MEMSPAN_ENGINE=torch forbids it.")
    network = asked.network()
    if not takes(network, asked.signature):
        raise Inexplicable(f"The torch engine trains this {kind}: {_objection(network)}.")
    made = program(asked)
    equations = Equations(made.layouts[0].step)
    sections = (
        ("Forward: a unit's time step", equations.forward),
        ("Backward: from the tape to gradients", equations.backward),
        ("Loops", list(_loops(made))),
        ("Weights: a row of each member, in numbers", list(_weights(asked))),
        (f"Workspace of each stream, in vectors of {LANES} numbers ({BYTES} bytes)", list(_workspace(asked, made))),
        ("Tape: each time step, in vectors", _boxes(equations.taped, made.layouts[0].size)),
        ("Code, in bytes and instructions", list(_sizes(made))),
    )
    units = " + ".join(str(each.size) for each in made.layouts)
    title = f"{kind}, units: {units}, on latch, T = {LENGTH}"
    return "\n\n".join([title, *("\n".join([head, *(f"  {line}" for line in lines)]) for head, lines in sections)])


def _spec(kind: str, hidden_size: int | None) -> ModelSpec:
    """The model with its defaults but for its units."""
    found = model.spec(kind)
    if hidden_size is not None and "hidden_size" not in found.model_fields:
        raise Inexplicable(f"A model of kind {kind} has no hidden size.")
    try:
        return found.model_validate({} if hidden_size is None else {"hidden_size": hidden_size})
    except ValidationError as error:
        raise Inexplicable(
            f"A model of kind {kind} can't have {hidden_size} units. {error.errors()[0]['msg']}"
        ) from None


def _objection(network: Network) -> str:
    """Why the fused engine leaves a network alone."""
    if network.recurrence is None:
        return "it is no stack of recurrent cells"
    for layer in network.recurrence.layers:
        if layer.size > largest_size(layer.cell):
            return f"{largest_size(layer.cell)} units are the most for which compiled loops alone are faster"
    return "its cell has an operation, or a product within its step, that can't be compiled"


def _loops(made: Program) -> Iterator[str]:
    """Which kernels run in which loops."""
    groups = f"groups of {made.streams} members, then each of the rest" if made.streams > 1 else "each member"
    streams = made.streams
    yield f"training: {groups}"
    yield "  each optimiser step"
    yield f"    each {LANES} sequences of the batch"
    yield "      gather: sequences into lanes"
    for layer, each in enumerate(made.layouts):
        yield f"      forward{streams}: layer {layer}, time 0 .. T-1, {_units(each)}"
    yield "      learn: read-out, loss, metrics, and their gradients"
    for layer, each in reversed(list(enumerate(made.layouts))):
        yield f"      backward: layer {layer}, time T-1 .. 0, {_units(each)}{_blocks(each)}"
    yield "    descent: lanes are added up, weights move"
    yield f"scoring: {groups}"
    yield f"  each {LANES} sequences of the data set, in lanes already"
    for layer in range(len(made.layouts)):
        yield f"    answer{streams}: layer {layer}, as forward{streams} but without a tape"
    yield "    measure: read-out, loss and metrics"


def _units(layout: LayerLayout) -> str:
    if layout.is_unrolled:
        return f"units written out ({layout.size}), weights and states in registers"
    return f"a loop over {layout.size} units"


def _blocks(layout: LayerLayout) -> str:
    if layout.is_unrolled:
        return ""
    return f", in blocks of {block_steps(layout)} steps, each followed by outer: gradients x inputs and outputs"


def _weights(asked: Condition) -> Iterator[str]:
    network = asked.network()
    for name, place in WeightRows(network).places.items():
        shape = " x ".join(map(str, network.weights[name].shape))
        yield f"{place:>6}  {name} ({shape})"
    yield f"{network.parameters:>6}  in all"


def _workspace(asked: Condition, made: Program) -> Iterator[str]:
    laid_out = workspace(made, sequence_size(asked.signature), asked.network().parameters)
    ends = [*laid_out.places.values(), laid_out.size][1:]
    for (field, place), end in zip(laid_out.places.items(), ends, strict=True):
        if end > place:
            yield f"{place:>6}  {part_name(field)} ({end - place})"
    yield f"{laid_out.size:>6}  in all"


def _boxes(names: Sequence[str], size: int) -> list[str]:
    """Names in boxes, H vectors each."""
    edge = "+" + "+".join("-" * (len(name) + 2) for name in names) + "+"
    words = "|" + "|".join(f" {name} " for name in names) + "|"
    return [edge, f"{words}  {size} each", edge]


def _sizes(made: Program) -> Iterator[str]:
    yield f"{'kernel':<12}{'LLVM code':>12}{'machine code':>15}{'instructions':>15}"
    for each in made.kernels:
        bytes_ = machine_bytes(compiled(each))
        yield f"{each.purpose:<12}{len(each.text):>12}{bytes_:>15}{_instructions(assembly(each)):>15}"


def _instructions(text: str) -> int:
    """Lines of assembly that are neither labels, directives nor comments."""
    return sum(line.startswith("\t") and line[1:2] not in (".", "#", "/") for line in text.splitlines())


if __name__ == "__main__":
    main()
