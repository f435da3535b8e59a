"""Verdicts: a study's claims judged by stored rows alone, kept while those don't change, or have just changed."""

import json
from collections.abc import Sequence

from memspan.claims.study import StudySpec
from memspan.claims.verdict import Judgement, judged, unjudged
from memspan.interfaces.json_numbers import jsonable
from memspan.registry import UnknownKind
from service.operations.catalogue import FAMILIES
from service.operations.context import Context
from service.operations.evidence import gathered
from service.storage import studies
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.states import ACTIVE
from service.storage.studies import StudyExperiment

NONE_YET = "Not run yet."


def claims(context: Context, connection: Connection, spec: type[StudySpec], rows: Sequence[StudyExperiment]) -> bytes:
    """The claims of a study with what one group of experiments says of them, as JSON.

    Args:
        rows: the group's experiments; none before the study was ever run.
    """
    if not rows:
        return _encoded(unjudged(spec.claims, NONE_YET))
    group, scale = rows[0].study_group, rows[0].study_scale
    # Whatever changes an experiment appends an event; one that was deleted is missing in the name.
    name = (group, *(row.key for row in rows))
    changing = any(row.state in ACTIVE for row in rows)
    return context.claims.get(
        name, version(rows), changing, lambda: _encoded(judged(spec.claims, gathered(connection, scale, rows)))
    )


def version(rows: Sequence[StudyExperiment]) -> str:
    """Changes with a group's experiments."""
    return "-".join(row.version for row in rows)


def of_experiment(context: Context, connection: Connection, row: ExperimentRecord) -> bytes:
    """The claims of the group that an experiment belongs to, as JSON; none where it is part of no study."""
    spec = _spec(row.study) if row.study else None
    if spec is None:
        return b"[]"
    return claims(context, connection, spec, studies.group_of(connection, row))


def _spec(kind: str) -> type[StudySpec] | None:
    """A study by its kind; None for one that this release no longer knows."""
    try:
        found: type[StudySpec] = FAMILIES["study"].spec(kind)
    except UnknownKind:
        return None
    return found


def _encoded(judgements: Sequence[Judgement]) -> bytes:
    documents = [jsonable(judgement.document()) for judgement in judgements]
    return json.dumps(documents, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
