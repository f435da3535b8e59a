"""The catalogue: what parts there are, and examples of tasks."""

from dataclasses import asdict
from typing import Any, Literal

from memspan.engine.seeds import stream
from memspan.models import model
from memspan.parts.task import TaskSpec
from memspan.probes import probe
from memspan.registry import Family, UnknownKind
from memspan.studies import study
from memspan.tasks import sample, task
from service.errors import Fault, NotFound, Unprocessable

FamilyName = Literal["task", "model", "probe", "study"]
FAMILIES: dict[FamilyName, Family[Any]] = {"task": task, "model": model, "probe": probe, "study": study}


def entries(family: FamilyName) -> list[dict[str, Any]]:
    """Every part of a family."""
    return [asdict(each) for each in FAMILIES[family].catalogue()]


def entry(family: FamilyName, kind: str) -> dict[str, Any]:
    """One part, or NotFound."""
    try:
        return asdict(FAMILIES[family].entry(kind))
    except UnknownKind as error:
        raise NotFound(str(error)) from None


def samples(spec: TaskSpec, length: int, count: int, seed: int) -> dict[str, Any]:
    """Example sequences of a task, always the same for a seed; a task without lengths ignores ``length``."""
    steps = length if spec.has_length else spec.minimum_length
    if steps < spec.minimum_length:
        message = f"The task {spec.kind} needs at least {spec.minimum_length} steps; given {length}."
        raise Unprocessable(message, errors=[Fault("#/length", "out_of_range", message, length)])
    batch = sample(spec, steps, count, stream(seed, "sample", spec.content(), steps))
    return {
        "task": spec.model_dump(mode="json"),
        "length": steps,
        "inputs": batch.inputs.tolist(),
        "targets": batch.targets.tolist(),
        "shape": list(batch.inputs.shape),
        "relevant_steps": list(spec.relevant_steps(steps)),
        "problem": spec.signature(steps).problem.value,
    }
