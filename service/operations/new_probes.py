"""New probes: the rows of probes as they are queued, and the names by which an answer is found again."""

import hashlib
import json

from memspan.interfaces.probe import ProbeSpec
from service.storage.checkpoints import CheckpointRecord
from service.storage.probes import NewProbe


def of_checkpoint(checkpoint: CheckpointRecord, spec: ProbeSpec) -> NewProbe:
    """A probe of one checkpoint."""
    data = spec.model_dump(mode="json")
    return NewProbe(
        experiment_key=checkpoint.experiment_key,
        condition=checkpoint.condition,
        checkpoint_key=checkpoint.key,
        checkpoint_kind=checkpoint.kind,
        kind=spec.kind,
        spec=data,
        fingerprint=_fingerprint("checkpoint", checkpoint.key, data),
        required=False,
    )


def of_condition(experiment: int, condition: int, weights: str, spec: ProbeSpec, required: bool) -> NewProbe:
    """A probe of all repeats of a condition.

    Args:
        weights: best or last: which of each repeat are asked.
        required: by the experiment's own spec, which waits for it.
    """
    data = spec.model_dump(mode="json")
    return NewProbe(
        experiment_key=experiment,
        condition=condition,
        checkpoint_key=None,
        checkpoint_kind=weights,
        kind=spec.kind,
        spec=data,
        fingerprint=_fingerprint(experiment, condition, weights, data),
        required=required,
    )


def _fingerprint(*content: object) -> str:
    """The name of a probe's content: asking twice finds the first answer."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
