"""Results in answers."""

from pydantic import Field

from service.schemas.experiment import Membership, Progress, RunCounts
from service.schemas.number import Answer, Data, Link, Number
from service.schemas.study import Claim


class Header(Answer):
    """The experiment that results are of."""

    id: str
    name: str
    state: str
    cancelling: bool
    owner: str | None
    study: Membership | None
    runs: RunCounts
    progress: Progress
    eta_seconds: float | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class Statistic(Answer):
    """A metric over repeats; `low` and `high` are the 95 % bootstrap interval of the mean."""

    n: int
    mean: Number
    std: Number
    median: Number
    low: Number
    high: Number


class Success(Answer):
    """The share of repeats that solved the task, with its 95 % Wilson interval."""

    rate: float | None
    low: float | None
    high: float | None
    n: int


class ConditionRuns(Answer):
    """Runs of a condition; diverged ones succeed and count as unsolved."""

    total: int
    succeeded: int
    failed: int
    diverged: int


class ConditionResult(Answer):
    """One task x model x length; `metric` is the one that its task is scored by."""

    task: Data
    model: Data
    length: int | None
    runs: ConditionRuns
    metric: str
    metrics: dict[str, Statistic]
    success: Success
    parameters: int
    state_size: int
    receptive_field: int | None
    seconds_per_epoch: float | None
    engine: str | None
    processors: list[str]


class SpanResult(Answer):
    """A memory span in time steps, with its 95 % interval; all three are clipped to the tested lengths.

    `censored` says that the span lies above the longest or below the shortest of them: then that end is open.
    """

    task: Data
    model: Data
    span: float
    low: float = Field(description="at least the shortest tested length: an open end where censored is below")
    high: float = Field(description="at most the longest tested length: an open end where censored is above")
    longest_solved: int | None
    censored: str | None


class SearchResult(Answer):
    """How far the search for one memory span is: it goes on round by round until the span is known."""

    task: Data
    model: Data
    rounds: int
    lengths: int = Field(description="lengths asked for so far")
    runs: int = Field(description="runs asked for so far")
    most_runs: int = Field(description="runs that the search takes at most")
    over: bool = Field(description="whether no more runs will be asked for")


class BaselineResult(Answer):
    """A score that needs no training."""

    task: Data
    name: str
    metric: str
    value: float
    length: int | None = None


class ProbeResult(Answer):
    """A probe over all repeats of a condition."""

    id: str
    kind: str
    spec: Data
    task: Data
    model: Data
    length: int | None
    checkpoint: str
    n: int | None
    state: str
    reason: str | None
    result: Data | None


class Failure(Answer):
    """Why runs failed: all those with one reason and detail."""

    reason: str | None = Field(description="a word for programs, such as timeout")
    detail: str | None = Field(description="a sentence for people")
    count: int


class Results(Answer):
    """What an experiment says."""

    experiment: Header
    conditions: list[ConditionResult]
    spans: list[SpanResult]
    searches: list[SearchResult] = Field(description="one for each task and model of a length search, else none")
    baselines: list[BaselineResult]
    probes: list[ProbeResult]
    claims: list[Claim] = Field(description="of the study that the experiment serves, judged by all its experiments")
    failures: list[Failure] = Field(description="why runs failed, the most frequent first; empty where none did")


class Summary(Header):
    """An experiment in the list of results."""

    tasks: list[str]
    models: list[Data]
    lengths: list[int] | Data | None
    repeats: int
    links: Link
