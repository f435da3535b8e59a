"""How long the fused engine takes, roughly: for the size of a call, for plans and for the order of work.

Measured on one core of a 2026 server with AVX-512 (``python -m benchmarks estimates``); all but the constants follows
from the loops' own work.
"""

from __future__ import annotations

from collections.abc import Sequence

from memspan.engine.condition import Condition
from memspan.engine.fused.graph import COSTLY
from memspan.engine.fused.layout import LANES, LayerLayout
from memspan.training import Training

PRODUCT_SECONDS = 3e-10
"""16 products of a weight, added up: forward, backward, and for the weight's gradient once each"""
COSTLY_SECONDS = 5.2e-9
"""16 values of a function such as tanh"""
BACKWARD_SECONDS = 3.3e-9
"""the backward pass of 16 values of such a function"""
BLOCK_SECONDS = 1.2e-7
"""gathering 16 sequences, and their loss"""
WEIGHT_SECONDS = 4e-9
"""adding up the lanes of a weight's gradient, and moving the weight"""


def costly(layout: LayerLayout) -> int:
    """Functions such as tanh in a step of a unit; at least 1."""
    graph = layout.step.graph
    return max(1, sum(graph.nodes[index].operation in COSTLY for index in graph.reachable(layout.step.states)))


def _products(layout: LayerLayout) -> int:
    """Of weights, in a time step of one sequence."""
    return layout.width * (layout.inputs + (0 if layout.recurrent_weights is None else layout.size))


def answer_seconds(layouts: Sequence[LayerLayout], length: int) -> float:
    """16 sequences of one member, forwards."""
    step = sum(_products(each) * PRODUCT_SECONDS + each.size * costly(each) * COSTLY_SECONDS for each in layouts)
    return BLOCK_SECONDS + length * step


def block_seconds(layouts: Sequence[LayerLayout], length: int) -> float:
    """16 sequences of one member, forwards and backwards."""
    back = sum(2 * _products(each) * PRODUCT_SECONDS + each.size * costly(each) * BACKWARD_SECONDS for each in layouts)
    return answer_seconds(layouts, length) + length * back


def step_seconds(training: Training, layouts: Sequence[LayerLayout], length: int, weights: int) -> float:
    """An optimiser step of one member."""
    blocks = -(-training.batch_size // LANES)
    return blocks * block_seconds(layouts, length) + weights * WEIGHT_SECONDS


def epoch_seconds(condition: Condition, layouts: Sequence[LayerLayout], weights: int) -> float:
    """An epoch of one member, its validation included."""
    training, length = condition.training, condition.signature.length
    steps = training.steps_per_epoch * step_seconds(training, layouts, length, weights)
    return steps + training.validation_size / LANES * answer_seconds(layouts, length)


def run_seconds(condition: Condition, layouts: Sequence[LayerLayout], weights: int) -> float:
    """A whole run of one member, what it is scored on at its end included."""
    training = condition.training
    test = condition.final_size / LANES * answer_seconds(layouts, condition.signature.length)
    return training.most_epochs * epoch_seconds(condition, layouts, weights) + test


def steps_within(
    seconds: float, condition: Condition, layouts: Sequence[LayerLayout], weights: int, members: int
) -> int:
    """Optimiser steps of some members that take about so long; at least 1."""
    each = step_seconds(condition.training, layouts, condition.signature.length, weights)
    return max(1, int(seconds / (members * each)))


def blocks_within(seconds: float, layouts: Sequence[LayerLayout], length: int, members: int) -> int:
    """Blocks of 16 sequences that some members answer in about so long; at least 1."""
    return max(1, int(seconds / (members * answer_seconds(layouts, length))))
