"""Whatever workers and users do, in any order: what is kept by increments is what counting gives, after every step."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sqlalchemy import update

from service.errors import Conflict, NotFound
from service.operations import deleting, experiments, patrol
from service.operations.claiming import ClaimedRuns
from service.operations.doctor import examined
from service.storage import conditions, stacks, tallies
from service.storage.experiments import Filter
from service.storage.states import ACTIVE, ENDED, Reason
from service.storage.tables import probes as probe_rows
from service.storage.tables import stacks as stack_rows
from tests.scenes import Scene

STEPS = 120
ALIVE = 5
"""experiments at a time"""
PLANS: tuple[dict[str, Any], ...] = (
    {"lengths": [2, 3], "repeats": 3},
    {"lengths": [2], "repeats": 2, "probes": [{"kind": "change", "index": 0}]},
    {"lengths": {"search": {"low": 2, "high": 8}}, "repeats": 2},
    {"models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}], "repeats": 4},
)


class Life:
    """Random deeds at a scene: what workers hold, some of it lost already, and what users have asked for."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene, self.random = scene, Random(seed)  # noqa: S311 - it must be repeatable
        self.held: list[ClaimedRuns] = []

    def step(self) -> str:
        """Do something; its name."""
        deeds = (self.submit, self.claim, self.claim, self.tell, self.keep, self.finish, self.finish, self.fail)
        others = (self.give_back, self.lose, self.cancel, self.pause, self.resume, self.resume, self.delete, self.walk)
        deed: Callable[[], None] = self.random.choice(deeds + others)
        try:
            deed()
        except (Conflict, NotFound):
            return f"{deed.__name__}, refused"
        return deed.__name__

    def submit(self) -> None:
        if len(self._experiments()) < ALIVE:
            self.scene.submit(**self.random.choice(PLANS))

    def claim(self) -> None:
        if (claimed := self.scene.try_claim(f"worker-{self.random.randrange(3)}")) is not None:
            self.held.append(claimed)

    def tell(self) -> None:
        if self.held:
            self.scene.tell(self.random.choice(self.held))

    def keep(self) -> None:
        if self.held:
            self.scene.keep(self.random.choice(self.held))

    def finish(self) -> None:
        if claimed := self._one():
            self.scene.finish(claimed, weight=lambda repeat: self.random.random())

    def fail(self) -> None:
        if claimed := self._one():
            self.scene.fail(claimed, Reason.ERROR, "it broke")

    def give_back(self) -> None:
        if claimed := self._one():
            self.scene.give_back(claimed)

    def lose(self) -> None:
        """A worker falls silent; it may come back and hand in what is not its own any more."""
        if self.held:
            lost = self.random.choice(self.held)
            with self.scene.context.database.writing() as connection:
                connection.execute(update(stack_rows).where(stack_rows.c.lease == lost.lease).values(lease_until=1.0))
            self.walk()

    def cancel(self) -> None:
        experiments.cancel(self.scene.context, self._any())

    def pause(self) -> None:
        experiments.pause(self.scene.context, self._any())

    def resume(self) -> None:
        experiments.resume(self.scene.context, self._any())

    def delete(self) -> None:
        experiments.delete(self.scene.context, self._any(), dry_run=False)

    def walk(self) -> None:
        patrol.walk(self.scene.context, "patrol")

    def _one(self) -> ClaimedRuns | None:
        return self.held.pop(self.random.randrange(len(self.held))) if self.held else None

    def _experiments(self) -> list[int]:
        return [each.row.key for each in experiments.listing(self.scene.context, Filter(), None, 100)]

    def _any(self) -> int:
        found = self._experiments()
        if not found:
            raise NotFound("nothing was submitted")
        return self.random.choice(found)

    def end(self) -> None:
        """Let everything come to its end."""
        for key in self._experiments():
            if experiments.look(self.scene.context, key).row.state in ACTIVE:
                experiments.cancel(self.scene.context, key)
        while self.held:
            self.finish()
        with self.scene.context.database.writing() as connection:
            connection.execute(update(stack_rows).where(stack_rows.c.lease.is_not(None)).values(lease_until=1.0))
            connection.execute(update(probe_rows).where(probe_rows.c.lease.is_not(None)).values(lease_until=1.0))
        self.walk()


def wrong(scene: Scene) -> dict[str, list[Any]]:
    """What is kept otherwise than counting gives."""
    with scene.context.database.reading() as connection:
        return {each.__name__: each.wrong(connection) for each in (tallies, conditions, stacks)}


NOTHING: dict[str, list[Any]] = {f"service.storage.{name}": [] for name in ("tallies", "conditions", "stacks")}


@pytest.mark.parametrize("seed", range(2))
def test_what_is_kept_is_what_counting_gives_after_every_step(
    scene: Scene, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in ("ANSWER_SECONDS", "REMOVING_SECONDS"):
        monkeypatch.setattr(experiments, seconds, 0.0)
    monkeypatch.setattr(deleting, "FIRST", 1)
    life, done = Life(scene, seed), list[str]()
    for _ in range(STEPS):
        done.append(life.step())
        assert wrong(scene) == NOTHING, done
    life.end()
    assert wrong(scene) == NOTHING, done
    ended = [each.row.state for each in experiments.listing(scene.context, Filter(), None, 100)]
    assert set(ended) <= ENDED, done
    assert [(each.check, each.found) for each in examined(scene.context) if not each.sound] == [], done
    assert len(set(done)) > 12, "nearly everything was tried"
