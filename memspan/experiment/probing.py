"""Asking a probe of checkpoints, with randomness that follows from the experiment alone."""

from __future__ import annotations

from collections.abc import Sequence

from memspan.engine.condition import Condition
from memspan.engine.cost import GRADIENT, PROBE_SECONDS, call_seconds, forward_seconds
from memspan.engine.denormals import denormals_flushed
from memspan.engine.placement import Placement
from memspan.engine.seeds import stream
from memspan.experiment.checkpoint import predictor
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.readings import Reading
from memspan.interfaces.tensor_file import Bytes
from memspan.probes import measure


@denormals_flushed()
def ask(probe: ProbeSpec, condition: Condition, checkpoints: Sequence[Bytes]) -> Reading:
    """Measure ``probe`` on the checkpoints of a condition.

    All models of a task and length are asked about the same sequences, so that their answers compare.
    """
    rng = stream(condition.data_seed, "probe", probe.content())
    return measure(probe, predictor(condition, checkpoints), condition.task, condition.extent, rng)


def asked_seconds(probe: ProbeSpec, placement: Placement, repeats: int) -> float:
    """What the answer to a probe takes of one worker, over the checkpoints of some repeats."""
    condition, network = placement.condition, placement.network
    effort = probe.effort(condition.task, condition.extent, network)
    members = repeats if probe.asks_weights and not probe.one_repeat else 1
    answers, gradients = (forward_seconds(condition.signature, network, members * count, effort.steps)
                          for count in (effort.answers, effort.gradients))  # fmt: skip
    calls = call_seconds(condition.signature, network, effort.steps) * effort.calls
    return PROBE_SECONDS + calls + answers + GRADIENT * gradients
