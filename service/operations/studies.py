"""What a user does with studies: start one, and look at what it says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from memspan.claims.study import Scale, StudySpec
from memspan.experiment.flaw import Flaw
from memspan.experiment.flaws import flaws
from memspan.experiment.fleet import Fleet
from memspan.experiment.matching import resolved
from memspan.experiment.memory_need import Room, memory_flaws
from memspan.experiment.placements import Placements
from memspan.experiment.plan import estimated_seconds, plan
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from service.errors import NotFound
from service.operations import audit, catalogue, ids, room, verdicts
from service.operations.action import Action
from service.operations.caller import ANYBODY, Caller
from service.operations.context import Context
from service.operations.experiments import ExperimentView, view_of
from service.operations.group_status import groups, status_of
from service.operations.progress import counts_of_many
from service.operations.remaining_time import SILENT_SECONDS, fleet_now
from service.operations.submission import Prepared, insert, made_before, prepare
from service.queue_names import TRAINING
from service.storage import studies
from service.storage.database import Connection
from service.storage.experiments import KeyTaken, StudyPlace
from service.storage.studies import StudyExperiment

log = structlog.stdlib.get_logger("memspan.studies")
EARLIER_GROUPS = 20
"""groups of a study that its document names, the newest first"""


@dataclass(frozen=True)
class Started:
    """Experiments that were started together."""

    study: str
    group: int
    views: Sequence[ExperimentView]


def spec_of(kind: str) -> type[StudySpec]:
    """The spec class of a study, or NotFound."""
    catalogue.entry("study", kind)
    found: type[StudySpec] = catalogue.FAMILIES["study"].spec(kind)
    return found


def asked(spec: StudySpec) -> Mapping[str, ExperimentSpec]:
    """The experiments of a study by their names in it."""
    found: Mapping[str, ExperimentSpec] = catalogue.FAMILIES["study"].verb(spec)(spec)
    return {name: resolved(each) for name, each in found.items()}


def unknown_scale(kind: str, scale: Scale) -> Flaw | None:
    """What is wrong with a scale that a study doesn't have."""
    there = spec_of(kind).scales()
    if scale in there:
        return None
    return Flaw(
        ("scale",), "not_allowed", f"The study {kind} has the scales {' and '.join(there)}; given {scale}.", scale
    )


def misfits(spec: StudySpec, limits: Limits, room: Room) -> list[Flaw]:
    """The experiments of a study that go beyond the caps of this service, or beyond its workers' memory; that they
    want a GPU where there is none."""
    wanted = asked(spec)
    found = [(name, flaw) for name, each in wanted.items() for flaw in flaws(each, limits) or memory_flaws(each, room)]
    homeless = "gpu" not in room and any(each.device == "gpu" for each in wanted.values())
    return ([_no_gpu(spec)] if homeless else []) + [
        Flaw(("scale",), "does_not_fit", f"The experiment {name!r} does not fit this service: {flaw.message}")
        for name, flaw in found
    ]


def _no_gpu(spec: StudySpec) -> Flaw:
    """What a study for a GPU would take of one."""
    told = plans(spec, Fleet())
    message = (
        f"The {spec.scale} scale is for a GPU, and no GPU worker was heard of for {SILENT_SECONDS} s. "
        f"Its {told['runs']} runs take one with {told['peak_bytes'] / 2**30:.1f} GiB of memory; start one, or take "
        "another scale."
    )
    return Flaw(("scale",), "no_gpu_worker", message, spec.scale)


def plans(spec: StudySpec, workers: Fleet) -> dict[str, Any]:
    """What a study would train and roughly for how long."""
    placed = {name: Placements(each, workers.gpu_workers > 0) for name, each in asked(spec).items()}
    items = [
        {"name": name, "spec": each.spec.model_dump(mode="json"), **asdict(plan(each, workers))}
        for name, each in placed.items()
    ]
    return {
        "study": spec.kind,
        "scale": spec.scale,
        "items": items,
        "conditions": sum(item["conditions"] for item in items),
        "runs": sum(item["runs"] for item in items),
        "estimated_seconds": estimated_seconds(placed.values(), workers),
        "peak_bytes": max(item["peak_bytes"] for item in items),
        "workers": max(workers.workers, 1),
        "basis": items[0]["basis"],
    }


def start(context: Context, spec: StudySpec, idempotency_key: str | None = None, caller: Caller = ANYBODY) -> Started:
    """Store all experiments of a study in one unit of work, then ring.

    A key that was used before names the group that it made: a request whose answer was lost makes no second one.
    """
    workers = fleet_now(context)
    prepared = [
        prepare(workers, each, None if number else idempotency_key, StudyPlace(spec.kind, spec.scale, name), caller)
        for number, (name, each) in enumerate(asked(spec).items())
    ]
    try:
        with context.database.writing() as connection:
            group = _made_before(context, connection, spec, idempotency_key)
            if group is None:
                room.require(context)
            keys = _members(connection, spec.kind, group) if group else _insert(connection, prepared)
            if group is None:
                audit.note(connection, caller, Action.START_STUDY, ids.public(ids.GROUP, keys[0]), 201, spec.kind)
            started = Started(spec.kind, group or keys[0], [view_of(connection, key) for key in keys])
    except KeyTaken:
        return start(context, spec, idempotency_key, caller)  # another request with the key was faster
    if group is None:
        named = [ids.public(ids.EXPERIMENT, each.row.key) for each in started.views]
        log.info("study_started", study=spec.kind, scale=spec.scale, experiments=named)
    for queue in TRAINING:
        context.bell.ring(queue)
    return started


def _made_before(context: Context, connection: Connection, spec: StudySpec, idempotency_key: str | None) -> int | None:
    """The group that a key has made: its first experiment bears the key."""
    if idempotency_key is None:
        return None
    name, first = next(iter(asked(spec).items()))
    return made_before(context, connection, first, idempotency_key, StudyPlace(spec.kind, spec.scale, name))


def _members(connection: Connection, kind: str, group: int) -> list[int]:
    return [row.key for row in studies.group(connection, kind, group)]


def _insert(connection: Connection, prepared: Sequence[Prepared]) -> list[int]:
    keys: list[int] = []
    for each in prepared:
        keys.append(insert(connection, each, keys[0] if keys else None))
    return keys


def listing(context: Context) -> list[dict[str, Any]]:
    """Every study with what its newest group says."""
    with context.database.reading() as connection:
        rows = studies.newest(connection)
        return [
            _document(context, connection, kind, [row for row in rows if row.study == kind])
            for kind in catalogue.kinds("study")
        ]


def look(context: Context, kind: str, group: int | None) -> dict[str, Any]:
    """A study with what its newest group, or an older one, says; NotFound when there is no such group."""
    spec_of(kind)
    with context.database.reading() as connection:
        earlier = groups(studies.groups(connection, kind, EARLIER_GROUPS))
        chosen = group or (int(earlier[0]["key"]) if earlier else None)
        rows = studies.group(connection, kind, chosen) if chosen else []
        if group and not rows:
            raise NotFound(f"The study {kind} was never run as {ids.public(ids.GROUP, group)}.")
        return {
            **_document(context, connection, kind, rows),
            "parts": _parts(connection, rows),
            "groups": [{name: each[name] for name in ("id", "scale", "state", "created_at")} for each in earlier],
        }


def _document(context: Context, connection: Connection, kind: str, rows: Sequence[StudyExperiment]) -> dict[str, Any]:
    spec = spec_of(kind)
    return {
        **catalogue.entry("study", kind),
        "question": spec.question,
        "explanation": spec.explanation,
        "claims": json.loads(verdicts.claims(context, connection, spec, rows)),
        "group": ids.public(ids.GROUP, rows[0].study_group) if rows else None,
        "scale": rows[0].study_scale if rows else None,
        "owner": rows[0].owner if rows else None,
        **status_of(connection, rows),
        "experiments": [ids.public(ids.EXPERIMENT, row.key) for row in rows],
        "links": {"self": f"/studies/{kind}", "start": f"/studies/{kind}/experiments"},
    }


def _parts(connection: Connection, rows: Sequence[StudyExperiment]) -> list[dict[str, Any]]:
    """The experiments of a group, each under its name in the study."""
    counts, forms = counts_of_many(connection, rows), studies.answered(connection, [row.key for row in rows])
    return [
        {
            "name": row.study_part,
            "id": (name := ids.public(ids.EXPERIMENT, row.key)),
            "title": row.name,
            "state": row.state,
            **counts[row.key],
            "answers": sorted(forms[row.key]),
            "links": {"self": f"/experiments/{name}", "results": f"/results/{name}"},
        }
        for row in rows
    ]
