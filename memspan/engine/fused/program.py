"""A network's training and scoring as compiled calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from memspan.engine.condition import Condition
from memspan.engine.fused.descent import descent
from memspan.engine.fused.driver import Kernels
from memspan.engine.fused.kernel import Kernel
from memspan.engine.fused.lanes import gather
from memspan.engine.fused.layout import SIDE_BY_SIDE, LayerLayout, layouts, recurrence
from memspan.engine.fused.loops import backward, forward
from memspan.engine.fused.products import products, row_copy
from memspan.engine.fused.readout import readout
from memspan.engine.fused.scoring import scoring
from memspan.engine.fused.training import training
from memspan.engine.weight_rows import WeightRows
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.signature import Signature


@dataclass(frozen=True, eq=False)
class Program:
    """The kernels of a network, and the two that are called."""

    kernels: tuple[Kernel, ...]
    training: Kernel
    scoring: Kernel
    layouts: tuple[LayerLayout, ...]
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
    descent: Kernel
    network: Callable[[], Network] = field(compare=False)


@lru_cache(maxsize=64)
def _program(key: _Key) -> Program:
    network, signature = key.network(), key.signature
    recurrent = recurrence(network)
    found = WeightRows(network).places
    layers = layouts(network)
    every_step = signature.every_step
    streams = sorted({1, SIDE_BY_SIDE if all(each.is_unrolled for each in layers) else 1})
    shared, levels = products(), numbered(recurrent)
    width = sum(layers[layer].size for layer in levels[-1])
    weights, bias = (found[f"{recurrent.readout}.{part}"] for part in ("kernel", "bias"))
    learn, measure = (readout(signature, width, weights, bias, learning) for learning in (True, False))
    kernels = Kernels(
        layouts=layers,
        levels=levels,
        every_step=every_step,
        gather=gather(),
        forward={count: tuple(forward(each, count, taped=True) for each in layers) for count in streams},
        answer={count: tuple(forward(each, count, taped=False) for each in layers) for count in streams},
        backward=tuple(
            backward(layers[layer], every_step or level != levels[-1], down=level != levels[0])
            for level in levels
            for layer in level
        ),
        learn=learn,
        measure=measure,
        descent=key.descent,
        copy_rows=row_copy(adding=False),
        add_rows=row_copy(adding=True),
    )
    train, score = training(kernels), scoring(kernels)
    all_kernels = (*kernels, shared.outer, shared.transposed, train, score)
    return Program(tuple(dict.fromkeys(all_kernels)), train, score, layers, levels, every_step, max(streams))


def numbered(recurrence: Recurrence) -> tuple[tuple[int, ...], ...]:
    """The numbers of the layers of each level."""
    found, first = [], 0
    for level in recurrence.levels:
        found.append(tuple(range(first, first + len(level))))
        first += len(level)
    return tuple(found)
