"""How much memory a worker holds at its peak, roughly: for plans, and for refusing what a machine can't hold.

Measured by ``python -m benchmarks peak_memory``, which prints planned beside real peaks.
"""

from __future__ import annotations

from typing import Literal

from memspan.engine.condition import Condition
from memspan.engine.fused.layout import LANES, layouts
from memspan.engine.torch_engine import SCORING_VALUES
from memspan.interfaces.network import Network

NUMBER = 4
"""bytes of a float32"""
PROCESS_BYTES = 345 * 2**20
"""a worker that has imported all it needs and loaded the usual loops"""
COPIES = {"fused": 2.0, "torch": 1.3}
"""of the data at the worst moment: the draw itself, and the engine's own layout of it"""
WEIGHT_COPIES = 8
"""of a stack's weights: rows, the best, gradients, an optimiser's slots and its scratch"""
KEPT_COPIES = 1.5
"""of what a forward pass says that it keeps for the way back"""
STATE_COPIES = {"hybrid": 2.0, "scan": 7.0, "stepwise": 12.0}
"""tensors of (M, B, T, H) that are alive at the end of a forward pass: a hybrid layer's tape; a scan's levels; and all
that autograd keeps of a cell computed step by step"""
SCORED_COPIES = 2.0
"""of a block of a data set's answers while it is scored"""


def peak_bytes(condition: Condition, network: Network, engine: Literal["torch", "fused"], members: int) -> int:
    """Bytes of a worker that trains a stack of ``members``, the process itself included."""
    data = COPIES[engine] * _data_values(condition, members)
    weights = WEIGHT_COPIES * members * network.parameters
    training = _fused_values(condition, network) if engine == "fused" else _torch_values(condition, network, members)
    return PROCESS_BYTES + round(NUMBER * (data + weights + training))


def _data_values(condition: Condition, members: int) -> float:
    """Numbers in all data sets that lie in memory together; class numbers take twice the room."""
    training, signature = condition.training, condition.signature
    answer = signature.outputs if signature.metrics == ("loss",) else 2
    answers = answer * (signature.length if signature.every_step else 1)
    each = signature.length * signature.channels + answers
    own = members * training.train_size if training.data == "per_repeat" else 0
    return float(each * (training.train_size + training.validation_size + training.test_size + own))


def _fused_values(condition: Condition, network: Network) -> float:
    """Numbers in the workspace of one stream: what each step leaves behind, and its gradients."""
    steps = condition.signature.length
    return LANES * float(sum(steps * (each.step_vectors + each.size + each.inputs) for each in layouts(network)))


def _torch_values(condition: Condition, network: Network, members: int) -> float:
    """Numbers that a step keeps for the way back, and those of a block that is scored."""
    training, signature = condition.training, condition.signature
    batch = members * min(training.batch_size, training.train_size)
    states = signature.length * network.state_size
    kept = batch * (STATE_COPIES[_way(network)] * states + KEPT_COPIES * network.kept)
    wide = max(signature.length * max(signature.channels, network.state_size), network.kept)
    scored = min(SCORING_VALUES, members * max(training.validation_size, training.test_size) * wide)
    return kept + SCORED_COPIES * max(scored, members * wide)


def _way(network: Network) -> str:
    """How the torch engine goes through time."""
    if network.recurrence is None:
        return "scan"
    return "hybrid" if network.noisy is None else "stepwise"
