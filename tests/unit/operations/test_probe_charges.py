"""A probe that is asked is work, once: what has no answer is charged and noted, and nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from memspan.probes.change import Change
from service.errors import QuotaExceeded, Unprocessable
from service.operations import patrol, probes
from service.operations.caller import Caller
from service.operations.probes import Where
from service.scopes import Scope
from service.storage import audit, usage
from service.storage.audit import Narrow
from service.storage.keys import Quota
from service.storage.states import RunState
from service.storage.tables import charges
from service.storage.tables import probes as rows
from tests.scenes import Scene

LAB = Caller("lab", Scope.RUN)
PROBE = Change(index=0)


def used(scene: Scene) -> tuple[float, int]:
    """Core-seconds that were charged today, and entries of the audit trail that say so."""
    with scene.context.database.reading() as connection:
        noted = audit.page(connection, Narrow(caller=LAB.name, action="probe_experiment"), None, 100)
        return usage.of_many(connection, ["lab"])["lab"].core_seconds, len(noted)


def done(scene: Scene) -> int:
    key = scene.submit(lengths=[2, 3, 4])
    scene.finish_all()
    return key


def ended(scene: Scene, state: RunState) -> None:
    """All probes end so, as if a worker had said it."""
    reason = "error" if state is RunState.FAILED else None
    with scene.context.database.writing() as connection:
        connection.execute(update(rows).values(state=state, reason=reason, finished_at=1.0))


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED])
def test_a_probe_that_has_no_answer_is_charged_when_it_is_asked_again(scene: Scene, state: RunState) -> None:
    key = done(scene)
    probes.ask_experiment(scene.context, key, PROBE, Where(), None, LAB)
    once = used(scene)
    probes.ask_experiment(scene.context, key, PROBE, Where(), None, LAB)
    assert used(scene) == once, "what waits is asked for nothing"
    ended(scene, state)
    asked = probes.ask_experiment(scene.context, key, PROBE, Where(), None, LAB)
    assert {row.state for row in asked} == {RunState.QUEUED}
    seconds, noted = used(scene)
    assert seconds == pytest.approx(2 * once[0])
    assert noted == once[1] + 1


def test_of_ten_conditions_those_that_are_new_are_charged(scene: Scene) -> None:
    key = done(scene)
    for length in (2, 3):
        probes.ask_experiment(scene.context, key, PROBE, Where(lengths=(length,)), None, LAB)
    most = used(scene)[0]
    probes.ask_experiment(scene.context, key, PROBE, Where(lengths=(4,)), None, LAB)
    alone = used(scene)[0] - most
    other = done(scene)
    probes.ask_experiment(scene.context, other, PROBE, Where(lengths=(2, 3)), None, LAB)
    before = used(scene)[0]
    probes.ask_experiment(scene.context, other, PROBE, Where(), None, LAB)
    assert used(scene)[0] - before == pytest.approx(alone)


def test_a_quota_holds_for_probes_that_are_asked_again(scene: Scene) -> None:
    key = done(scene)
    probes.ask_experiment(scene.context, key, PROBE, Where(), None)
    ended(scene, RunState.FAILED)
    nothing = Caller("lab", Scope.RUN, Quota(core_seconds=0))
    with pytest.raises((QuotaExceeded, Unprocessable)):
        probes.ask_experiment(scene.context, key, PROBE, Where(), None, nothing)


def test_the_patrol_drops_charges_of_days_that_no_quota_looks_at(scene: Scene) -> None:
    with scene.context.database.writing() as connection:
        usage.charge(connection, "lab", 5.0)
        today = connection.execute(select(charges.c.day)).scalar_one()
        old = [{"owner": "lab", "day": today - ago, "core_seconds": 1.0} for ago in (1, 2, 400)]
        connection.execute(insert(charges), old)
    patrol.walk(scene.context, "patrol")
    with scene.context.database.reading() as connection:
        assert set(connection.execute(select(charges.c.day)).scalars()) == {today, today - 1}
        assert usage.of_many(connection, ["lab"])["lab"].core_seconds == 5.0
