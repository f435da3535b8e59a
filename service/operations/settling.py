"""Settling: what follows for an experiment when some of its runs or probes have ended."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from service.operations.progress import counts_of, progress_body
from service.operations.specs import StoredSpec, parsed
from service.storage import events, experiments, probes, runs
from service.storage.clock import now
from service.storage.moving import move
from service.storage.states import ACTIVE, OPEN, ExperimentState, RunState
from service.storage.tables import probes as probes_table
from service.storage.tables import runs as runs_table


def fingerprint(*content: Any) -> str:
    """The name of a probe's content: asking twice finds the first answer."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def settle(connection: Connection, experiment: int, ended: Iterable[int] = ()) -> bool:
    """Queue the probes of conditions whose runs have all ended, and end the experiment when nothing is left.

    The caller holds the experiment's lock, so two workers that finish at once can't each wait for the other.

    Args:
        ended: conditions some of whose runs have just ended.

    Returns:
        whether probes were queued, so that the caller rings for them after its commit.
    """
    row = experiments.get(connection, experiment)
    if row is None or row.state not in ACTIVE:
        return False
    queued = False
    if row.cancelled_at is None:
        each = [_queue_probes(connection, row, condition) for condition in set(ended)]
        queued = any(each)
    if not experiments.open_runs(connection, experiment):
        _end(connection, row)
    return queued


def _queue_probes(connection: Connection, row: Any, condition: int) -> bool:
    """Queue the spec's probes of a condition whose runs have all ended, at least one of them well."""
    spec = parsed(StoredSpec(row.key, row.spec))
    if not spec.probes or experiments.open_runs(connection, row.key, condition):
        return False
    if not experiments.succeeded_runs(connection, row.key, condition):
        return False
    kind = spec.report.checkpoint
    probes.add(
        connection,
        [
            {
                "experiment_key": row.key,
                "condition": condition,
                "checkpoint_kind": kind,
                "kind": probe.kind,
                "spec": probe.model_dump(mode="json"),
                "fingerprint": fingerprint(row.key, condition, kind, probe.model_dump(mode="json")),
                "required": True,
                "state": RunState.QUEUED,
            }
            for probe in spec.probes
        ],
    )
    return True


def _end(connection: Connection, row: Any) -> None:
    """Give an experiment without open runs its final state, unless probes are still asked."""
    asked = experiments.required_probe_counts(connection, row.key)
    if any(asked.get(state) for state in OPEN):
        return
    if row.cancelled_at is not None:
        asked[RunState.CANCELLED] = asked.get(RunState.CANCELLED, 0) + _wanted_probes(row) - sum(asked.values())
    counts = counts_of(connection, row)
    state = final_state(counts["runs"], asked, row.cancelled_at is not None)
    experiments.set_state(connection, row.key, state, finished_at=now(), counts=counts)
    runs.drop_all_snapshots(connection, row.key)
    body = progress_body(counts, state, eta_seconds=None)
    events.append(connection, row.key, ("progress", body), ("state", {"state": state}))
    events.forget_progress(connection, row.key, row.event_sequence)


def _wanted_probes(row: Any) -> int:
    """How many probes an experiment's spec asks for: one for each condition."""
    return len(row.spec["probes"]) * (int(row.runs) // int(row.spec["repeats"]))


def cancel_waiting(connection: Connection, experiment: int) -> None:
    """Cancel all that waits of an experiment. The caller settles it."""
    for table in (runs_table, probes_table):
        mine = table.c.experiment_key == experiment
        values = {"finished_at": now()}
        move(connection, table, RunState.CANCELLED, mine, source=RunState.QUEUED, values=values)


def final_state(counts: dict[str, int], asked: dict[str, int], cancelled: bool) -> ExperimentState:
    """The state of an experiment whose runs and probes have all ended."""
    if counts["cancelled"] or asked.get(RunState.CANCELLED) or (cancelled and not counts["succeeded"]):
        return ExperimentState.CANCELLED
    if counts["succeeded"] == counts["total"] and not asked.get(RunState.FAILED):
        return ExperimentState.SUCCEEDED
    return ExperimentState.PARTIAL if counts["succeeded"] else ExperimentState.FAILED
