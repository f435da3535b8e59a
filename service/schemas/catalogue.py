"""The catalogue of parts, and samples of tasks."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from memspan.interfaces.spec import Length, Whole
from service.schemas.number import Answer, Data


class Entry(Answer):
    """A task, model, optimiser, probe or study that specs may name."""

    kind: str
    title: str
    summary: str
    reference: str
    schema_: Annotated[Data, Field(alias="schema", description="JSON Schema of its spec")]


class Catalogue(Answer):
    """All parts of a family."""

    items: list[Entry]


class SampleRequest(BaseModel):
    """Which example sequences to draw."""

    model_config = ConfigDict(extra="forbid")
    task: Annotated[dict[str, Any], Field(max_length=64, description="fields of the task's spec, without kind")] = {}
    length: Annotated[
        Length, Field(description="in the task's own measure, mostly time steps; tasks without a length ignore it")
    ] = 10
    count: Annotated[Whole, Field(ge=1, le=100, description="sequences")] = 3
    seed: Annotated[Whole, Field(ge=0, le=2**53 - 1)] = 0


class DueAnswer(Answer):
    """One answer that is due, of a task that tells what each depends on."""

    step: int
    lag: int = Field(description="steps since what it says was shown")
    relevant: list[int] = Field(description="the steps that it depends on")


class Samples(Answer):
    """Example sequences with what they ask for."""

    task: Data
    length: int = Field(description="time steps of each sequence")
    inputs: list[Any] = Field(description="(count, length, channels); whole numbers where a step shows a token")
    targets: list[Any] = Field(description="-100 at steps where no answer is due")
    shape: list[int]
    relevant_steps: list[int]
    answers: list[list[DueAnswer]] | None = Field(description="of each sequence, of tasks that tell lags")
    problem: str
