"""Series: forecasts of a column of a user's data set, from so many last steps of some of its columns."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import BaseModel, Field
from torch import Generator

from memspan.baselines.forecasts import ridge
from memspan.datasets.grid import differenced, gridded
from memspan.datasets.labelled import choose_rows
from memspan.datasets.shelf import found
from memspan.datasets.unavailable import DatasetUnavailable
from memspan.datasets.windows import Shares, Windows, windows
from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real, Whole, frozen
from memspan.interfaces.task import Baseline, SetSizes, Split, TaskSpec
from memspan.tables.table import Table
from memspan.tasks import task

Word = Annotated[str, Field(strict=True, min_length=1, max_length=200)]
Share = Annotated[Real, Field(gt=0, le=0.6)]


class SplitShares(BaseModel):
    """How rows are divided: training, validation, test, with gaps between them."""

    model_config = frozen()
    validation: Annotated[Share, Field(description="share of the rows")] = 0.15
    test: Annotated[Share, Field(description="share of the rows, the last ones")] = 0.2
    gap: Annotated[
        Annotated[Whole, Field(ge=0, le=1_000_000)] | None,
        Field(description="rows between two parts; unset: the longest context and the horizon"),
    ] = None
    by: Annotated[
        Literal["time", "series"], Field(description="in time inside each series, or whole series that are new")
    ] = "time"


class Scores(BaseModel):
    """Mean squared errors on the test points of what needs no training."""

    model_config = frozen()
    do_nothing: float = Field(description="answering 0")
    training_mean: float
    persistence: float = Field(description="answering the last value")
    seasonal_naive: float | None = Field(default=None, description="answering the value a season ago")


class Facts(BaseModel):
    """What was found in the data set when the experiment was submitted; filled in by whoever takes the spec on."""

    model_config = frozen()
    sha256: str = Field(
        pattern="^[0-9a-f]{64}$", description="of the data set: numbers follow from it, not from its id"
    )
    longest: int = Field(ge=1, description="context that all others share their points with")
    channels: int = Field(ge=1)
    train: int = Field(ge=1, description="points")
    validation: int = Field(ge=1, description="points, the last ones; as many as the training's validation_size")
    test: int = Field(ge=1)
    season: int | None = Field(description="steps, given or found by autocorrelation")
    scores: Scores
    mase_scale: float = Field(
        description="mean absolute error of persistence in the training part: what MASE divides by"
    )


class Series(TaskSpec):
    """Forecast a column of your own data set, so many steps ahead, from its past and that of other columns.

    Lengths are contexts: how many last steps a model sees. Every context is trained and scored on the same points, and
    means and deviations are those of the training part alone. The baselines are the training mean, the last value, the
    value a season ago, and a ridge regression on the same context.
    """

    title: ClassVar[str] = "Your series"
    reference: ClassVar[str] = "Hyndman & Athanasopoulos (2021), Forecasting: principles and practice, 3rd edition"
    minimum_length: ClassVar[int] = 1
    kind: Literal["series"] = "series"
    dataset: Annotated[Word, Field(description="id of a data set that was sent to /datasets", examples=["data-1"])]
    target: Annotated[Word, Field(description="the column to forecast, of numbers")]
    inputs: Annotated[
        Annotated[tuple[Word, ...], Field(min_length=1, max_length=100)] | None,
        Field(description="columns of numbers that are seen; unset: the target's own past"),
    ] = None
    horizon: Annotated[Whole, Field(ge=1, le=10_000, description="steps from the last input to the target")] = 1
    series_column: Annotated[Word | None, Field(description="which series a row belongs to")] = None
    time_column: Annotated[Word | None, Field(description="when a row is; unset: the first column of times")] = None
    split: Annotated[SplitShares, Field(description="how rows are divided")] = SplitShares()
    missing: Annotated[
        Literal["error", "interpolate", "segment"],
        Field(
            description="what isn't there: refused; inputs on straight lines between neighbours; or series cut there"
        ),
    ] = "error"
    difference: Annotated[
        Whole, Field(ge=0, le=2, description="how often changes between steps take the place of levels")
    ] = 0
    season: Annotated[
        Annotated[Whole, Field(ge=2, le=100_000)] | None, Field(description="steps; unset: found by autocorrelation")
    ] = None
    scale: Annotated[
        Literal["standard", "none"], Field(description="by mean and deviation of each series' training part, or not")
    ] = "standard"
    facts: Annotated[
        Facts | None,
        Field(
            description="what was found in the data set; filled in, whatever is given",
            exclude_if=lambda facts: facts is None,
        ),
    ] = None

    def content(self) -> dict[str, Any]:
        """The data set by what is in it, so that equal data train to equal numbers wherever they are."""
        told = super().content()
        facts = told.pop("facts", None)
        return {**told, "dataset": facts["sha256"]} if facts else told

    @property
    def known(self) -> Facts:
        """What was found in the data set.

        Raises:
            DatasetUnavailable: nobody has looked yet.
        """
        if self.facts is None:
            raise DatasetUnavailable(
                f"The data set {self.dataset} was not looked into: series are trained by a service."
            )
        return self.facts

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are seen."""
        return self.inputs or (self.target,)

    @property
    def unscaled(self) -> bool:
        return self.scale == "none"

    def signature(self, length: int) -> Signature:
        return Signature(length, channels=self.known.channels, outputs=1, problem=Problem.REGRESSION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """All: how many help is the question."""
        return tuple(range(length))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Answering 0, the training mean, the last value, the value a season ago."""
        scores = self.known.scores.model_dump(exclude_none=True)
        return tuple(Baseline(name, "test_loss", value) for name, value in scores.items())

    def tried_out(self, length: int) -> tuple[Baseline, ...]:
        """A ridge regression on the same context; nothing where the data set is gone."""
        try:
            return (Baseline("ridge", "test_loss", _ridge(self, length)),)
        except DatasetUnavailable:
            return ()

    def target_variance(self, length: int) -> float:
        """Mean squared error of the training mean on the test points."""
        return self.known.scores.training_mean

    def longest(self) -> int | None:
        """The context that the points were chosen for."""
        return self.known.longest

    def sizes(self) -> SetSizes | None:
        return None if self.facts is None else SetSizes(self.facts.train + self.facts.validation, self.facts.test)


@task(Series)
def sample(spec: Series, length: int, count: int, rng: Generator, split: Split = "test") -> Batch:
    """Windows of the training part, mixed, with those of the validation part behind them; or of the test part.

    Shapes:
        inputs (B, T, C), targets (B, 1), in units of the training part's deviation.

    Raises:
        DatasetUnavailable: the data set is gone, or the context is longer than the points were chosen for.
    """
    if length > spec.known.longest:
        raise DatasetUnavailable(
            f"The points of the experiment have {spec.known.longest} steps before them: there are no {length}."
        )
    data = windows_of(spec)
    if split == "test":
        points = data.points["test"][choose_rows(spec.known.test, count, rng, "test").numpy()]
        return batch(data, points, length)
    train, validation = data.points["train"], data.points["validation"][-spec.known.validation :]
    mixed = train[choose_rows(len(train), max(count - len(validation), 1), rng, "train").numpy()]
    return batch(data, np.concatenate([mixed, validation])[:count], length)


def batch(data: Windows, points: np.ndarray[Any, Any], length: int) -> Batch:
    """The last ``length`` rows up to each point, and the target a horizon behind it."""
    rows = points[:, None] + np.arange(1 - length, 1)
    inputs = torch.from_numpy(data.inputs[rows].astype(np.float32))  # (B, T, C)
    targets = torch.from_numpy(data.target[points + data.horizon].astype(np.float32))
    return Batch(inputs, targets.unsqueeze(1))


def windows_of(spec: Series) -> Windows:
    """The windows of a spec whose facts are known, kept for those who ask next."""
    return _kept(
        spec.known.sha256, spec.known.longest, spec.model_copy(update={"facts": None, "dataset": "", "season": None})
    )


@lru_cache(maxsize=2)
def _kept(sha256: str, longest: int, spec: Series) -> Windows:
    return drawn_up(found(sha256), longest, spec)


def drawn_up(table: object, longest: int, spec: Series) -> Windows:
    """The windows of a table.

    Raises:
        Unfit: the table can't serve as it is asked to.
    """
    if not isinstance(table, Table):
        raise DatasetUnavailable("The data set holds sequences that were cut already, and no series.")
    series = gridded(table, spec.target, spec.columns, spec.time_column, spec.series_column, spec.missing)
    gap = longest + spec.horizon if spec.split.gap is None else spec.split.gap
    shares = Shares(spec.split.validation, spec.split.test, gap, spec.split.by)
    changes = [differenced(one, spec.difference) for one in series]
    return windows(changes, longest, spec.horizon, shares, scaled=not spec.unscaled)


@lru_cache(maxsize=256)
def _ridge(spec: Series, length: int) -> float:
    data = windows_of(spec)
    return ridge(batch(data, data.points["train"], length), batch(data, data.points["test"], length))
