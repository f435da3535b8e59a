"""States, and the one table of moves between them."""

from enum import StrEnum


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


class Reason(StrEnum):
    """Why a run failed."""

    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"


MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.FAILED}),
    RunState.RUNNING: frozenset({RunState.QUEUED, RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}),
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset({RunState.QUEUED}),
    RunState.CANCELLED: frozenset({RunState.QUEUED}),
}
"""From each state, the states that a run may move to."""

OPEN = (RunState.QUEUED, RunState.RUNNING)
"""a run or probe that still has something to do"""
ACTIVE = (ExperimentState.QUEUED, ExperimentState.RUNNING, ExperimentState.PAUSED)
"""an experiment that still has something to do"""
CLAIMABLE = (ExperimentState.QUEUED, ExperimentState.RUNNING)


def sources(target: RunState) -> tuple[RunState, ...]:
    """The states from which a run may move to ``target``."""
    return tuple(state for state, targets in MOVES.items() if target in targets)
