"""The experiment spec: what a user posts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from memspan.experiment.lengths import Lengths
from memspan.experiment.report import Report
from memspan.interfaces.limits import Within, limits_of
from memspan.interfaces.match import Match
from memspan.interfaces.spec import Real, Whole, frozen
from memspan.models import AnyModel
from memspan.probes import AnyProbe
from memspan.tasks import AnyTask
from memspan.training import Training


def _short(value: str, info: ValidationInfo) -> str:
    """A name within the limit, and without characters that no database or terminal wants."""
    limit = limits_of(info).name
    if len(value) > limit:
        message = "Must have at most {max_length} characters; it has {length}."
        raise PydanticCustomError("string_too_long", message, {"max_length": limit, "length": len(value)})
    if any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in value):
        raise PydanticCustomError("control_character", "Must not hold control characters.")
    return value


Name = Annotated[str, Field(strict=True), AfterValidator(_short)]
Label = Annotated[str, Field(strict=True, min_length=1, max_length=64), AfterValidator(_short)]


class Budget(BaseModel):
    """What an experiment may use."""

    model_config = frozen()
    max_seconds: Annotated[
        Annotated[Real, Field(gt=0, le=1e8)] | None,
        Field(description="wall time from its first claim; what is not done by then fails with the reason timeout"),
    ] = None


EXAMPLE: dict[str, Any] = {
    "name": "latch, rnn against lstm",
    "tasks": [{"kind": "latch", "noise": 0.1}],
    "models": [
        {"kind": "rnn", "hidden_size": 1, "initialization": "keras"},
        {"kind": "lstm", "hidden_size": 1, "initialization": "keras"},
    ],
    "lengths": [2, 5, 10, 20],
    "training": {
        "optimizer": {"kind": "adam", "learning_rate": 0.001, "epsilon": 1e-7},
        "batch_size": 16,
        "epochs": 5,
        "train_size": 8000,
        "validation_size": 2000,
        "test_size": 10000,
        "data": "fixed",
        "weight_decay": 0,
        "clip_norm": None,
    },
    "repeats": 30,
    "seed": 1994,
    "probes": [{"kind": "change", "index": 0, "percent": 50}],
    "report": {"checkpoint": "last", "solved_if": {"metric": "test_accuracy", "at_least": 0.99}},
}


class ExperimentSpec(BaseModel):
    """An experiment: every task with every model at every length, several times.

    Grid = tasks x models x lengths (= conditions) x repeats (= runs). Only ``tasks`` and ``models`` are required, and
    ``lengths`` for tasks that have one.
    """

    model_config = frozen({"examples": [EXAMPLE]})

    name: Annotated[Name, Field(description="shown in lists; made from tasks and models when empty")] = ""
    tasks: Annotated[tuple[AnyTask, ...], Field(min_length=1, max_length=64)]
    models: Annotated[tuple[AnyModel, ...], Field(min_length=1, max_length=256)]
    match: Annotated[
        Match | None,
        Field(description="the match of every model that has none of its own", exclude_if=lambda match: match is None),
    ] = None
    lengths: Annotated[Lengths | None, Field(description="time steps of the sequences")] = None
    training: Training = Training()
    repeats: Annotated[Whole, Within("repeats"), Field(description="runs of each condition")] = 5
    seed: Annotated[Whole, Field(ge=0, le=2**53 - 1, description="everything random follows from it")] = 0
    probes: Annotated[tuple[AnyProbe, ...], Field(max_length=32, description="asked when the runs are done")] = ()
    report: Report = Report()
    labels: Annotated[tuple[Label, ...], Field(max_length=32)] = ()
    priority: Annotated[Whole, Field(ge=-10, le=10, description="higher goes first")] = 0
    device: Annotated[
        Literal["auto", "cpu", "gpu"], Field(description="auto: a GPU for large models when a GPU worker is there")
    ] = "auto"
    limits: Budget = Budget()

    @model_validator(mode="after")
    def _named(self) -> ExperimentSpec:
        """An experiment without a name is called after its tasks and models."""
        if not self.name.strip():
            tasks, models = (" and ".join(dict.fromkeys(part.kind for part in p)) for p in (self.tasks, self.models))
            object.__setattr__(self, "name", f"{tasks}: {models}"[:200])
        return self
