"""States, and the tables of moves between them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class RunState(StrEnum):
    """Where a run or a probe stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ExperimentState(StrEnum):
    """Where an experiment stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StackState(StrEnum):
    """Where a stack stands; one whose runs have all ended is gone."""

    QUEUED = "queued"
    RUNNING = "running"
    ASIDE = "aside"
    """it may not be served: its experiment rests, or is cancelled"""

    @property
    def runs(self) -> RunState:
        """Where the runs of a stack stand that stands here."""
        return RunState.RUNNING if self is StackState.RUNNING else RunState.QUEUED


class Reason(StrEnum):
    """Why a run or a probe failed."""

    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    WEIGHTS_DAMAGED = "weights_damaged"
    """a probe's: the weights are not what was stored"""
    DATA_UNAVAILABLE = "data_unavailable"
    """a file of a data set is missing, or not what it should be"""


class Keep(StrEnum):
    """What retention leaves of an experiment, from the most to the least."""

    BEST = "best"
    """the best weights of each run; its last ones go"""
    RESULTS = "results"
    """metrics and answers to probes; all weights go"""
    NOTHING = "nothing"
    """the whole experiment goes"""


RUN_MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.FAILED}),
    RunState.RUNNING: frozenset({RunState.QUEUED, RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}),
    # Trained for more epochs than before.
    RunState.SUCCEEDED: frozenset({RunState.QUEUED}),
    RunState.FAILED: frozenset({RunState.QUEUED}),
    RunState.CANCELLED: frozenset({RunState.QUEUED}),
}
"""From each state, the states that a run or a probe may move to."""

ENDED = frozenset(
    {ExperimentState.SUCCEEDED, ExperimentState.PARTIAL, ExperimentState.FAILED, ExperimentState.CANCELLED}
)
"""an experiment in which nothing is left to do"""
STACK_MOVES: Mapping[StackState, frozenset[StackState]] = {
    StackState.QUEUED: frozenset({StackState.RUNNING, StackState.ASIDE}),
    StackState.RUNNING: frozenset({StackState.QUEUED}),
    StackState.ASIDE: frozenset({StackState.QUEUED}),
}
"""From each state, the states that a stack may move to."""
EXPERIMENT_MOVES: Mapping[ExperimentState, frozenset[ExperimentState]] = {
    # None of its runs was ever claimed, so it can end in one way only.
    ExperimentState.QUEUED: frozenset({ExperimentState.RUNNING, ExperimentState.PAUSED, ExperimentState.CANCELLED}),
    ExperimentState.RUNNING: ENDED | {ExperimentState.PAUSED},
    # Runs that were under way when it was paused may be its last ones.
    ExperimentState.PAUSED: ENDED | {ExperimentState.QUEUED, ExperimentState.RUNNING},
    # Asked for more, or for what failed once more.
    **{state: frozenset({ExperimentState.QUEUED, ExperimentState.RUNNING}) for state in ENDED},
}
"""From each state, the states that an experiment may move to."""

OPEN = (RunState.QUEUED, RunState.RUNNING)
"""a run or probe that still has something to do"""
ENDED_RUN = tuple(state for state in RunState if state not in OPEN)
"""a run or probe that has nothing left to do"""
ACTIVE = (ExperimentState.QUEUED, ExperimentState.RUNNING, ExperimentState.PAUSED)
"""an experiment that still has something to do"""
CLAIMABLE = (ExperimentState.QUEUED, ExperimentState.RUNNING)

State = TypeVar("State", RunState, StackState, ExperimentState)


def sources(moves: Mapping[State, frozenset[State]], target: State) -> tuple[State, ...]:
    """The states from which a table of moves leads to ``target``."""
    return tuple(state for state, targets in moves.items() if target in targets)
