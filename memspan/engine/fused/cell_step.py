"""One time step of a unit's pointwise part as instructions, forward and backward: what every loop writes in its middle.

The values are vectors of 16 lanes, which are sequences in a fused layer and units in a hybrid one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.trace import TracedStep

UNTAPED: Mapping[int, Any] = {}


def new_states(
    code: Code, step: TracedStep, gates: Sequence[Any], states: Sequence[Any], parameters: Sequence[Any], taped: bool
) -> Pointwise:
    """The new states of a unit from its pre-activations, and what goes onto the tape if there is one; by node."""
    roots = [*step.states, *(step.tape if taped else ())]
    return Pointwise(code, step.graph, dict(enumerate([*gates, *states, *parameters])), roots)


def gradients(
    code: Code,
    step: TracedStep,
    states: Sequence[Any],
    parameters: Sequence[Any],
    sent: Sequence[Any],
    above: Any = None,
    gates: Sequence[Any] = (),
    tape: Mapping[int, Any] = UNTAPED,
) -> Pointwise:
    """The gradients of a unit's pre-activations, old states and parameters; by node.

    Args:
        states: old states.
        sent: gradients of the new states that come back through time.
        above: the gradient of the output that comes from the layer above at this step; None if nothing comes.
        gates: pre-activations, where the forward pass left these: all else is worked out again.
        tape: nodes that the forward pass left, among them the pre-activations that are wanted.
    """
    if above is not None:
        sent = [code.add(sent[0], above), *sent[1:]]
    given = dict(enumerate([*states, *parameters, *sent], len(step.gate_gradients)))
    return Pointwise(
        code, step.graph, {**dict(enumerate(gates)), **tape, **given}, [*step.gradients, *step.state_gradients]
    )
