"""The catalogue: what parts there are, and examples of tasks."""

from dataclasses import asdict
from typing import Any, Literal

import structlog

from memspan.datasets.unavailable import DatasetUnavailable
from memspan.engine.seeds import stream
from memspan.experiment.flaw import Flaw
from memspan.interfaces.batch import Batch
from memspan.interfaces.task import TaskSpec
from memspan.models import model
from memspan.optimizers import optimizer
from memspan.probes import probe
from memspan.registry import Family, UnknownKind
from memspan.studies import study
from memspan.tasks import sample, task
from service.errors import FieldError, NotFound, Unprocessable

log = structlog.stdlib.get_logger("memspan.catalogue")

FamilyName = Literal["task", "model", "optimizer", "probe", "study"]
FAMILIES: dict[FamilyName, Family[Any]] = {
    "task": task, "model": model, "optimizer": optimizer, "probe": probe, "study": study,
}  # fmt: skip
MOST_NUMBERS = 200_000
"""of one answer with samples, some 4 MB of JSON"""


def entries(family: FamilyName) -> list[dict[str, Any]]:
    """Every part of a family."""
    return [asdict(each) for each in FAMILIES[family].catalogue()]


def kinds(family: FamilyName) -> tuple[str, ...]:
    """The kinds of a family."""
    return FAMILIES[family].kinds()


def entry(family: FamilyName, kind: str) -> dict[str, Any]:
    """One part, or NotFound."""
    try:
        return asdict(FAMILIES[family].entry(kind))
    except UnknownKind as error:
        raise NotFound(str(error)) from None


def flaws(spec: TaskSpec, length: int, count: int) -> list[Flaw]:
    """What makes example sequences impossible; none for a sound request."""
    extent = _extent(spec, length)
    if extent < spec.minimum_length:
        message = f"The task {spec.kind} needs at least {spec.minimum_length} steps; given {length}."
        return [Flaw(("length",), "out_of_range", message, length)]
    signature = spec.signature(extent)
    steps, numbers = signature.length, count * signature.length * signature.channels
    if numbers > MOST_NUMBERS:
        message = f"{count} sequences of {steps} steps are {numbers} numbers; at most {MOST_NUMBERS} are answered."
        return [Flaw(("count",), "too_large", message, count)]
    return []


def _extent(spec: TaskSpec, length: int) -> int:
    """The length in the task's own measure; a task without lengths ignores what is asked for."""
    return length if spec.has_length else spec.minimum_length


def samples(spec: TaskSpec, length: int, count: int, seed: int) -> dict[str, Any]:
    """Example sequences of a task, always the same for a seed.

    Raises:
        Unprocessable: they come from files that are missing or damaged.
    """
    extent = _extent(spec, length)
    try:
        batch = sample(spec, extent, count, stream(seed, "sample", spec.content(), extent))
    except DatasetUnavailable as error:
        log.warning("data_unavailable", task=spec.kind, exc_info=error)
        raise Unprocessable(str(error), errors=[FieldError("#/task", "data_unavailable", str(error))]) from error
    return {
        "task": spec.model_dump(mode="json"),
        "length": batch.inputs.shape[1],
        "inputs": (batch.inputs.long() if spec.signature(extent).vocabulary else batch.inputs).tolist(),
        "targets": batch.targets.tolist(),
        "shape": list(batch.inputs.shape),
        "relevant_steps": list(spec.relevant_steps(extent)),
        "answers": _answers(spec, batch) if spec.tells_lags else None,
        "problem": spec.signature(extent).problem.value,
    }


def _answers(spec: TaskSpec, batch: Batch) -> list[list[dict[str, Any]]]:
    """The answers that are due in each sequence, with the steps that each depends on."""
    sources, lags = spec.sources(batch).tolist(), spec.lags(batch).tolist()
    last = batch.inputs.shape[1] - 1
    return [
        [
            {
                "step": place if len(lag_of) > 1 else last,
                "lag": lag,
                "relevant": sorted({step for step in told[place] if step >= 0}),
            }
            for place, lag in enumerate(lag_of)
            if lag >= 0
        ]
        for told, lag_of in zip(sources, lags, strict=True)
    ]
