"""How long the fused engine's steps take, roughly: for the size of a call, for plans and for the order of work."""

from __future__ import annotations

from collections.abc import Sequence

from memspan.engine.fused.assembly import LANES
from memspan.engine.fused.section import Section
from memspan.engine.population import Condition


def block_seconds(sections: Sequence[Section], length: int) -> float:
    """Forward and backward of 16 sequences of one member."""
    per_step = sum(12e-9 * each.size * (1 + len(each.step.tape)) + 1e-9 * each.width * (each.size + each.inputs)
                   for each in sections)  # fmt: skip
    return 100e-9 + length * per_step


def steps_of(condition: Condition, sections: Sequence[Section], members: int, seconds: float) -> int:
    """Optimiser steps of some members that take about so long; at least 1."""
    blocks = -(-condition.training.batch_size // LANES)
    each = members * blocks * block_seconds(sections, condition.signature.length)
    return max(1, int(seconds / each))
