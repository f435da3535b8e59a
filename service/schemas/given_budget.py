"""What runs were given to learn by, in answers."""

from pydantic import Field

from service.schemas.number import Answer


class TunedNumber(Answer):
    """A number of the training of which some candidates were tried."""

    name: str = Field(description="learning_rate, clip_norm or weight_decay")
    candidates: list[float]
    chosen: list[float] = Field(description="those that something here was trained by")


class TunedBudget(Answer):
    """What was tried to choose a training; the same for all models of an experiment."""

    repeats: int = Field(description="runs of each setting, which enter nothing else")
    length: int | None = Field(description="at which it was chosen once; null: at every length")
    numbers: list[TunedNumber]


class GivenBudget(Answer):
    """What each run was trained by: no number of a model means anything without it."""

    optimizer: str
    learning_rate: float | None = Field(description="null where it is tuned, and several were chosen")
    tuned: TunedBudget | None = Field(description="null where nothing is tuned")
    batch_size: int
    data: str = Field(description="fixed, per_repeat or fresh")
    until: str | None = Field(description="converged, where each run ends by itself: the numbers are then at most")
    epochs: int
    steps: int = Field(description="of the optimiser")
    sequences: int = Field(description="that a run sees; new ones only where data are fresh")
