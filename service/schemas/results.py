"""Results in answers."""

from pydantic import Field

from service.schemas.experiment import Membership, Progress, RunCounts
from service.schemas.given_budget import GivenBudget
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
    """A metric over repeats; `low` and `high` are the 95 % bootstrap interval of the mean; one repeat has none."""

    n: int
    mean: Number
    std: Number
    median: Number
    low: Number | None
    high: Number | None


class Success(Answer):
    """The share of repeats that solved the task, with its 95 % Wilson interval; one repeat has none."""

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


class Ends(Answer):
    """How many have come to which end of their training."""

    converged: int = Field(description="solved, or its validated error no longer fell")
    improving: int = Field(description="the error still fell over the last fifth of the epochs")
    diverged: int = Field(description="a loss was no finite number")
    no_better_than_chance: int = Field(description="the error is that of guessing; it may yet learn, or not")
    unknown: int = Field(description="too few repeats, or epochs, to tell")


class Convergence(Answer):
    """Whether training had come to its end: what more of it may change."""

    state: str | None = Field(
        description="improving where any repeat still improved, else that of most: converged, diverged, "
        "no_better_than_chance or unknown; null before one has ended"
    )
    runs: Ends


class SpanConvergence(Convergence):
    """The same over the lengths of a memory span; of the longest lengths, where none improves."""

    conditions: Ends


class StepsToSolve(Answer):
    """Optimiser steps until the validation set first met the criterion: Kaplan and Meier's median over repeats."""

    median: float = Field(description="where censored is above: for how long the runs were watched")
    low: float | None = Field(description="of the 95 % interval (log-log); null: open")
    high: float | None = Field(description="of the 95 % interval (log-log); null: open")
    censored: str | None = Field(description="above, where fewer than half were seen to solve it")
    solved: int
    n: int


class SpanByBudget(Answer):
    """The memory span had training ended earlier, judged on the validation set."""

    epochs: int
    steps: int
    span: float
    low: float | None
    high: float | None
    censored: str | None


class AccuracyByLag(Answer):
    """Accuracy by how many steps ago was shown what is asked for: one number for each bin of lags, ascending.

    `low` and `high` are 95 % bootstrap intervals over runs, not over the answers of one; one run has none.
    """

    lag: list[float] = Field(description="middle of the bin, in steps")
    first: list[int] = Field(description="shortest lag of the bin")
    last: list[int] = Field(description="longest lag of the bin")
    accuracy: list[Number]
    low: list[Number] | None
    high: list[Number] | None
    asked: list[int] = Field(description="answers of each run that were due")
    n: int
    bound: list[float] | None = Field(description="at most possible with the steps that the model sees, where known")


class ConditionResult(Answer):
    """One task x model x length; `metric` is the one that its task is scored by."""

    task: Data
    model: Data
    length: int | None
    runs: ConditionRuns
    metric: str
    metrics: dict[str, Statistic]
    success: Success
    budget: GivenBudget
    convergence: Convergence
    steps_to_solve: StepsToSolve | None = Field(description="null before a run has ended")
    parameters: int
    inner_parameters: int = Field(
        description="those without the embedding of the inputs, learnt positions and read-out"
    )
    state_size: int
    receptive_field: int | None
    seconds_per_epoch: float | None
    by_lag: AccuracyByLag | None = Field(description="of tasks that tell lags")
    engine: str | None
    processors: list[str]


class SpanResult(Answer):
    """A memory span in time steps, with its 95 % interval; all three are clipped to the tested lengths.

    `censored` says that the span lies above the longest or below the shortest of them: then that end is open. One
    repeat has no interval.
    """

    task: Data
    model: Data
    span: float
    low: float | None = Field(description="at least the shortest tested length: an open end where censored is below")
    high: float | None = Field(description="at most the longest tested length: an open end where censored is above")
    longest_solved: int | None
    censored: str | None
    written: str = Field(description="as it is to be shown, such as > 400 where it is censored")
    budget: GivenBudget
    convergence: SpanConvergence
    by_budget: list[SpanByBudget] = Field(description="by the steps of the optimiser, ascending")


class ComparisonResult(Answer):
    """Two models on one task by one metric: `a` minus and over `b`.

    Where one lies out of sight `bound` says that the value is `at_least` or `at_most` so much, and where both do there
    is none; an open end of an interval is null, as is all of it for one repeat.
    """

    task: Data
    a: Data
    b: Data
    metric: str = Field(description="span, the metric that the task is scored by, or steps_to_solve")
    length: int | None = Field(description="null of spans, and of tasks without one")
    difference: float | None
    low: float | None
    high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    bound: str | None
    probability_a_better: float = Field(
        description="that a random run of a beats one of b; of spans at a random length"
    )
    n: int = Field(description="the fewer repeats of the two")
    p: float | None = Field(description="of so large a difference where there is none; null below three repeats")
    adjusted_p: float | None = Field(description="by Holm over the family")
    family: int = Field(description="comparisons of this metric on this task, which are corrected together")
    same_budget: bool
    both_converged: bool
    sentence: str


class Ranked(Answer):
    """One model in a ranking."""

    model: Data
    rank: int = Field(description="one more than the models that certainly remember longer")
    span: str


class RankingResult(Answer):
    """The models of a task by their memory spans; those of one rank can't be told apart."""

    task: Data
    models: list[Ranked]
    sentence: str


class MatchResult(Answer):
    """What a model amounts to that was matched, on one task."""

    pointer: str = Field(description="of the model in the spec")
    kind: str
    task: Data
    goal: str = Field(description="parameters, inner_parameters, state_size or multiplications")
    wanted: int
    found: int = Field(description="at the longest length")
    length: int | None = Field(description="the longest; null of tasks without one")
    least: int = Field(description="at the shortest and the longest length")
    most: int = Field(description="at the shortest and the longest length")
    width: Data = Field(description="the fields of the model that were found")
    sentence: str


class SearchResult(Answer):
    """How far the search for one memory span is: it goes on round by round until the span is known."""

    task: Data
    model: Data
    rounds: int
    lengths: int = Field(description="lengths asked for so far")
    runs: int = Field(description="runs asked for so far")
    most_runs: int = Field(description="runs that the search takes at most")
    over: bool = Field(description="whether no more runs will be asked for")


class SettingScore(Answer):
    """What the runs of one setting validated; they have seeds and sequences of their own."""

    learning_rate: float
    clip_norm: float | None
    weight_decay: float
    median: Number | None = Field(description="validation loss; a run that diverged counts as infinite; null before")
    low: Number | None = Field(description="of the 95 % bootstrap interval of the median; one run has none")
    high: Number | None
    n: int
    diverged: int
    good: int = Field(description="that met the criterion, or had at least .9 right, on the validation set")


class RateWindow(Answer):
    """The learning rates at which at least half of the runs are good, by the other numbers as they were chosen."""

    low: float | None = Field(description="null where none works")
    high: float | None
    decades: float = Field(description="how wide it is, gaps left out")
    decades_low: float | None = Field(description="of the 95 % bootstrap interval over runs; one run has none")
    decades_high: float | None
    open: bool = Field(description="it reaches the least or the largest candidate, and may be wider")


class TuningResult(Answer):
    """By what the runs of one task and model are trained, and what else was tried."""

    task: Data
    model: Data
    length: int | None = Field(description="at which it was tried; for all lengths where the spec names one")
    metric: str
    repeats: int
    open: bool = Field(description="whether runs have something to do that serve to choose")
    failed: int = Field(description="runs that failed or were cancelled: nothing is chosen until they are retried")
    chosen: float | None = Field(description="the learning rate; null before")
    setting: dict[str, float] | None = Field(description="all numbers that are tuned, as they were chosen")
    at_edge: bool = Field(description="whether the least or the largest candidate was chosen")
    warning: str | None
    scores: list[SettingScore]
    window: RateWindow | None = Field(description="null before, and where fewer than two rates are tried")


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
    matched: list[MatchResult] = Field(description="one for each matched model and task")
    spans: list[SpanResult]
    searches: list[SearchResult] = Field(description="one for each task and model of a length search, else none")
    tuning: list[TuningResult] = Field(description="one for each choice of a setting; none where nothing is tuned")
    baselines: list[BaselineResult]
    comparisons: list[ComparisonResult] = Field(description="of every two models of a task, where there are few")
    rankings: list[RankingResult]
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
