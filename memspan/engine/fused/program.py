"""A network's training and scoring as compiled calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from memspan.engine.fused.assembly import LANES
from memspan.engine.fused.backward import backward
from memspan.engine.fused.descent import descent
from memspan.engine.fused.driver import Parts
from memspan.engine.fused.forward import forward
from memspan.engine.fused.lanes import gather
from memspan.engine.fused.looped import work_vectors
from memspan.engine.fused.products import laying, products
from memspan.engine.fused.readout import readout
from memspan.engine.fused.scoring import scoring
from memspan.engine.fused.section import SIDE_BY_SIDE, Section, places, sections
from memspan.engine.fused.sheet import Field, above, below, joined, sent, tape
from memspan.engine.fused.training import training
from memspan.engine.fused.unit import Unit
from memspan.engine.population import Condition
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.signature import Signature


@dataclass(frozen=True, eq=False)
class Program:
    """The units of a network, and the two that are called."""

    units: tuple[Unit, ...]
    training: Unit
    scoring: Unit
    sections: tuple[Section, ...]
    levels: tuple[tuple[int, ...], ...]
    every_step: bool
    streams: int


def program(condition: Condition) -> Program:
    """All code for a condition's runs, generated once for each shape, or UnknownOperation."""
    signature = replace(condition.signature, length=0, answer_from=0)  # both are read when the code runs
    return _program(_Key(condition.model, signature, descent(condition.training), condition.network))


@dataclass(frozen=True)
class _Key:
    """What a program depends on; the network follows from it, but for how its weights start."""

    model: ModelSpec
    signature: Signature
    descent: Unit
    network: Callable[[], Network] = field(compare=False)


@lru_cache(maxsize=64)
def _program(key: _Key) -> Program:
    network, signature = key.network(), key.signature
    assert network.recurrence is not None
    found = places(network)
    layers = sections(network)
    every_step = signature.every_step
    streams = sorted({1, SIDE_BY_SIDE if all(each.is_unrolled for each in layers) else 1})
    shared, levels = products(), numbered(network.recurrence)
    width = sum(layers[layer].size for layer in levels[-1])
    kernel, bias = (found[f"{network.recurrence.readout}.{part}"] for part in ("kernel", "bias"))
    learn, measure = (readout(signature, width, kernel, bias, learning) for learning in (True, False))
    parts = Parts(
        sections=layers,
        levels=levels,
        every_step=every_step,
        gather=gather(),
        forward={count: tuple(forward(each, count, taped=True) for each in layers) for count in streams},
        answer={count: tuple(forward(each, count, taped=False) for each in layers) for count in streams},
        backward=tuple(
            backward(layers[layer], every_step or level != levels[-1], down=level != levels[0], products=shared)
            for level in levels
            for layer in level
        ),
        learn=learn,
        measure=measure,
        descent=key.descent,
        lay=laying(adding=False),
        add=laying(adding=True),
    )
    train, score = training(parts), scoring(parts)
    units = (*parts.units, shared.outer, shared.transposed, train, score)
    return Program(tuple(dict.fromkeys(units)), train, score, layers, levels, every_step, max(streams))


def numbered(recurrence: Recurrence) -> tuple[tuple[int, ...], ...]:
    """The numbers of the layers of each level."""
    found, first = [], 0
    for level in recurrence.levels:
        found.append(tuple(range(first, first + len(level))))
        first += len(level)
    return tuple(found)


@dataclass(frozen=True)
class Room:
    """The work room of one stream: where each part begins and the size of the whole, in vectors."""

    places: dict[int, int]
    size: int


def room(made: Program, numbers: int, answers: int, length: int, weights: int) -> Room:
    """Lay out the room for sequences of ``numbers`` inputs and ``answers`` targets, for so many weights."""
    sizes: dict[int, int] = {
        Field.LANES_IN: _whole(numbers),
        Field.LANES_TARGETS: _whole(answers),
        Field.GRADIENTS: _whole(weights),
        Field.WORK: max(work_vectors(each) for each in made.sections),
    }
    for number, level in enumerate(made.levels):
        width, pair = sum(made.sections[layer].size for layer in level), len(level) > 1
        sizes[sent(number)] = length * width
        sizes[joined(number)] = length * width if pair else 0
        for layer in level:
            each = made.sections[layer]
            sizes[tape(layer)] = (length + 1) * each.slot + each.size
            sizes[above(layer)] = length * each.size if pair else 0
            sizes[below(layer)] = length * each.inputs if pair else 0
    starts, size = {}, 0
    for part, count in sizes.items():
        starts[int(part)] = size
        size += count
    return Room(starts, size)


def _whole(count: int) -> int:
    """Room for the blocks of 16 in which gathering writes."""
    return -(-count // LANES) * LANES
