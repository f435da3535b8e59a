"""An extension: what an experiment that has ended is asked for on top."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from memspan.experiment.spec import ExperimentSpec
from memspan.training import Until

More = Annotated[int, Field(ge=1, le=2**31 - 1)] | None
Name = Literal["repeats", "epochs"]


class Extension(BaseModel):
    """More repeats of each condition, or more epochs of each run: one of the two."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repeats: More = Field(default=None, description="runs of each condition that are added")
    epochs: More = Field(default=None, description="epochs that are added to each run")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.repeats is None) == (self.epochs is None):
            raise PydanticCustomError("one_of", "Give either repeats or epochs: how many more.")
        return self

    @property
    def name(self) -> Name:
        """What there is to be more of."""
        return "epochs" if self.repeats is None else "repeats"

    @property
    def more(self) -> int:
        """How many more."""
        return self.repeats or self.epochs or 0

    def size(self, spec: ExperimentSpec) -> int:
        """How many a spec asks for."""
        return spec.repeats if self.name == "repeats" else spec.training.most_epochs

    def of(self, spec: ExperimentSpec) -> ExperimentSpec:
        """The spec of an experiment that had asked for all of it at once."""
        total = self.size(spec) + self.more
        if self.name == "repeats":
            return spec.model_copy(update={"repeats": total})
        epochs = Until(until="converged", at_most=total) if spec.training.until_converged else total
        return spec.model_copy(update={"training": spec.training.model_copy(update={"epochs": epochs})})


@dataclass(frozen=True)
class Extended:
    """What an extension does.

    Attributes:
        added: runs that are new.
        resumed: runs that go on from where they ended.
        anew: runs that begin again.
        unchanged: runs that diverged: more epochs would change nothing.
        because: why runs begin again.
    """

    field: Name
    before: int
    total: int
    added: int = 0
    resumed: int = 0
    anew: int = 0
    unchanged: int = 0
    because: str | None = None
