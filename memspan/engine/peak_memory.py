"""How much memory a worker holds at its peak, roughly: for plans, and for refusing what a machine can't hold.

Measured by ``python -m benchmarks peak_memory``, which prints planned beside real peaks.
"""

from __future__ import annotations

from typing import Literal

from memspan.engine.condition import Condition
from memspan.engine.fused.layout import LANES, layouts
from memspan.engine.fused.scope import works
from memspan.engine.fused.speed import steps_within
from memspan.engine.hybrid.runner import is_hybrid, pays
from memspan.engine.torch_engine import scored_at_once
from memspan.interfaces.network import Network
from memspan.interfaces.recurrence import Layer
from memspan.tasks import parts, values_each

NUMBER = 4
"""bytes of a float32"""
PROCESS_BYTES = 345 * 2**20
"""a worker that has imported all it needs and loaded the usual loops"""
DRAWN_COPIES = 2.8
"""of what is drawn at once, while it is drawn: itself, and what it is made of"""
WEIGHT_COPIES = 6
"""of a stack's weights: rows, the best, gradients, an optimiser's slots and its scratch"""
SNAPSHOT_COPIES = 8
"""of a stack's weights: those of a slice, with the best and the optimiser's slots, and the bytes that are stored"""
KEPT_COPIES = 1.5
"""of what a forward pass says that it keeps for the way back"""
SCAN_COPIES, STEPWISE_COPIES = 7.0, 12.0
"""of the states of all steps at the end of a forward pass: a scan's levels; and all that autograd keeps of a cell that
is computed step by step"""
SCORED_COPIES = 2.0
"""of a block of a data set's answers while it is scored"""
ANSWER_COPIES = 5.0
"""of the answers at every step: logits, their logarithms, gradients"""
CALL_SECONDS = 0.1
"""about how long a fused call trains (``engine.fused.backend``)"""


def peak_bytes(condition: Condition, network: Network, engine: Literal["torch", "fused"], members: int) -> int:
    """Bytes of a worker that trains a stack of ``members``, the process itself included."""
    fused, weights = engine == "fused", members * network.parameters
    each, training = values_each(condition.task, condition.extent), condition.training
    first, test = (
        max(len(rows) for rows in parts(condition.task, condition.extent, count)) * each
        for count in (training.train_size + training.validation_size, training.test_size)
    )
    drawn = DRAWN_COPIES * (1 + condition.task.scratch(condition.extent) / each)
    busy = [
        drawn * first,
        _fused_values(condition, network, members) if fused else _torch_values(condition, network, members),
        drawn * test,
        (2.0 if fused else 1.0) * test + (0.0 if fused else _scored_values(condition, network, members)),
        float(SNAPSHOT_COPIES * weights),
    ]
    held = _held_values(condition, members, fused) + WEIGHT_COPIES * weights
    return PROCESS_BYTES + round(NUMBER * (held + max(busy)))


def _held_values(condition: Condition, members: int, fused: bool) -> float:
    """Numbers of the training and validation sets, which lie in memory from the first step to the last."""
    task, extent, training = condition.task, condition.extent, condition.training
    each = values_each(task, extent)
    drawn_at_once = len(parts(task, extent, training.train_size + training.validation_size)) == 1
    shared = training.train_size if training.data == "fixed" or drawn_at_once else 0
    own = members * training.train_size if training.data == "per_repeat" else 0
    in_lanes = fused and len(parts(task, extent, training.validation_size)) == 1
    return float(each * (shared + (1 if fused else 2) * own + (2 if in_lanes else 1) * training.validation_size))


def _batch_values(condition: Condition, members: int, steps: int) -> float:
    """Numbers of the sequences of some steps, where they are drawn for them alone."""
    training, task, extent = condition.training, condition.task, condition.extent
    if training.data != "fresh":
        return 0.0
    count, each = min(training.batch_size, training.train_size), values_each(task, extent)
    ranges = parts(task, extent, count)
    if len(ranges) == 1:
        return float(count * steps * each * (members + 2))
    return each * (count * members + DRAWN_COPIES * len(ranges[0]))  # part after part into where it stays


def _fused_values(condition: Condition, network: Network, members: int) -> float:
    """Numbers in the workspace of one stream (what each step leaves behind, and its gradients) and in batches."""
    length, made = condition.signature.length, layouts(network)
    steps = min(
        condition.training.steps_per_epoch, steps_within(CALL_SECONDS, condition, made, network.parameters, members)
    )
    workspace = LANES * float(sum(length * (each.step_vectors + each.size + each.inputs) for each in made))
    return workspace + _batch_values(condition, members, steps)


def _torch_values(condition: Condition, network: Network, members: int) -> float:
    """Numbers that a step keeps for the way back."""
    training, signature = condition.training, condition.signature
    batch = min(training.batch_size, training.train_size)
    kept = KEPT_COPIES * network.kept + signature.length * signature.channels + _answers(condition)
    for layer, every in _layers(condition, network):
        if _by_loops(layer, members, signature.length, batch):
            kept += signature.length * (_tape(layer) + (3 * layer.size if every else 0))
        else:
            kept += signature.length * STEPWISE_COPIES * len(layer.cell.states) * layer.size
    if network.recurrence is None and network.operations is None:
        kept += SCAN_COPIES * signature.length * network.state_size
    return members * batch * kept + _batch_values(condition, members, 1)


def _scored_values(condition: Condition, network: Network, members: int) -> float:
    """Numbers of a block that is scored; hybrid layers answer for one member after the other."""
    training, signature = condition.training, condition.signature
    largest = max(training.validation_size, training.test_size)
    block = min(largest, scored_at_once(signature, network, members))
    wide = network.held(signature.length, signature.channels)
    values = members * (SCORED_COPIES * (0 if network.recurrence else wide) + _answers(condition))
    for layer, every in _layers(condition, network):
        passed = 2 * layer.size if every else 0
        if _by_loops(layer, members, signature.length, block):
            values += signature.length * (_tape(layer) + members * passed)
        else:
            size = (len(layer.cell.gates) + len(layer.cell.states)) * layer.size
            values += members * signature.length * (size + passed)
    return float(block * values)


def _answers(condition: Condition) -> float:
    """Numbers that the answers to one sequence go through."""
    signature = condition.signature
    return ANSWER_COPIES * signature.outputs * signature.answers


def _layers(condition: Condition, network: Network) -> list[tuple[Layer, bool]]:
    """The recurrent layers, each with whether its outputs of all steps are wanted."""
    levels = network.recurrence.levels if network.recurrence else ()
    every_step = condition.signature.every_step
    return [(layer, every_step or level is not levels[-1]) for level in levels for layer in level]


def _by_loops(layer: Layer, members: int, steps: int, batch: int) -> bool:
    """Whether a layer runs as a hybrid one does."""
    return is_hybrid(layer) and pays(layer, members, steps, batch) and works()


def _tape(layer: Layer) -> int:
    """Numbers that a time step of one sequence leaves behind in a hybrid layer: inputs, products and states."""
    cell = layer.cell
    products = 1 if cell.joined or not cell.recurrent else 2
    return layer.inputs + (products * len(cell.gates) + len(cell.states)) * layer.size
