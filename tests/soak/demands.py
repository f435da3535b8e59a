"""Demands: what clients ask for meanwhile, chosen by chance, and what they were answered."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from tests.faults.disturbance import lasting
from tests.processes import Client
from tests.scenes import SMALLEST
from tests.soak.people import ADMIN, NOBODY, OWNERS, QUOTAS, SCRATCH
from tests.waiting import until

SPECS: tuple[Mapping[str, Any], ...] = (
    SMALLEST,
    {**SMALLEST, "lengths": [2, 3, 4], "repeats": 5, "probes": [{"kind": "change", "index": 0}]},
    {**SMALLEST, "models": [{"kind": "mlp"}, {"kind": "lstm", "hidden_size": 2}], "repeats": 3},
    lasting(4),
    lasting(12),
)
OUTAGE_SECONDS = 180
OWNERS_SHARE = 0.7
"""of changes that are asked for by who may"""
SCRATCH_SHARE = 0.2
"""of experiments, which retention deletes once they have ended"""
ENDED = ("succeeded", "partial", "failed", "cancelled")


@dataclass
class Posted:
    """An experiment that was posted, and what became of it by request."""

    name: str
    spec: Mapping[str, Any]
    owner: str
    cancelled: bool = False
    deleted: bool = False

    @property
    def scratch(self) -> bool:
        """Whether a rule of retention is about it."""
        return SCRATCH in self.spec.get("labels", ())


@dataclass
class Demands:
    """Clients that ask for this and that.

    Attributes:
        people: clients by the names of their keys: owners, and an admin.
        wrong: answers that nobody should ever get.
        refused: experiments that a quota had no room for.
    """

    people: Mapping[str, Client]
    rng: random.Random
    posted: list[Posted] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    refused: int = 0

    def next(self) -> str:
        """Ask for something; what it was."""
        kinds: Mapping[Callable[[], str], int] = {
            self.post: 6,
            self._cancel: 1,
            self._pause: 2,
            self._resume: 2,
            self._delete: 1,
            self._predict: 3,
            self._look: 3,
            self._look_without_a_key: 1,
        }
        return self.rng.choices(list(kinds), list(kinds.values()))[0]()

    def post(self) -> str:
        """Post an experiment, and again while nobody says that it was taken: with one token, so it happens once."""
        owner = self.rng.choice(OWNERS)
        spec = {**self.rng.choice(SPECS), "labels": [SCRATCH] if self.rng.random() < SCRATCH_SHARE else []}
        headers = {"Idempotency-Key": str(UUID(int=self.rng.getrandbits(128)))}

        def sent() -> httpx.Response | None:
            answer = self.asked("POST", "/experiments", owner, json=spec, headers=headers)
            return answer if answer is not None and answer.status_code in (201, 429) else None

        taken = until(sent, OUTAGE_SECONDS, "an experiment to be taken")
        if taken is None:
            raise AssertionError("no answer")
        if taken.status_code == 429:
            self.refused += 1
            if owner not in QUOTAS:
                self.wrong.append(f"{owner} has no quota: {taken.text[:300]}")
            return f"post by {owner}, who has too much waiting"
        self.posted.append(Posted(taken.json()["id"], spec, owner))
        return f"post {self.posted[-1].name} by {owner}"

    def asked(self, method: str, path: str, by: str = ADMIN, **options: Any) -> httpx.Response | None:
        """What is answered, None while nobody answers; an answer that nobody should get is noted."""
        try:
            answer = self.people[by].request(method, path, **options)
        except httpx.TransportError:
            return None
        if answer.status_code >= 500 and answer.status_code != 503:
            self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    def _some(self) -> Posted:
        return self.rng.choice([each for each in self.posted if not each.deleted] or self.posted)

    def _changed(self, chosen: Posted, method: str, path: str) -> httpx.Response | None:
        """What somebody is answered who asks for a change; only its owner and an admin may."""
        by = chosen.owner if self.rng.random() < OWNERS_SHARE else self.rng.choice([*OWNERS, ADMIN])
        answer = self.asked(method, path, by)
        if answer is not None and by not in (chosen.owner, ADMIN) and answer.status_code not in (403, 404, 503):
            self.wrong.append(f"{method} {path} by {by}, of {chosen.owner}: {answer.status_code} {answer.text[:300]}")
        return answer

    def _cancel(self) -> str:
        chosen = self._some()
        answer = self._changed(chosen, "POST", f"/experiments/{chosen.name}/cancel")
        chosen.cancelled |= answer is None or answer.status_code in (202, 503)  # it may have been heard
        return f"cancel {chosen.name}"

    def _pause(self) -> str:
        chosen = self._some()
        self._changed(chosen, "POST", f"/experiments/{chosen.name}/pause")
        return f"pause {chosen.name}"

    def _resume(self) -> str:
        chosen = self._some()
        self._changed(chosen, "POST", f"/experiments/{chosen.name}/resume")
        return f"resume {chosen.name}"

    def _delete(self) -> str:
        chosen = self._some()
        answer = self._changed(chosen, "DELETE", f"/experiments/{chosen.name}")
        chosen.deleted |= answer is not None and answer.status_code in (204, 404)
        return f"delete {chosen.name}"

    def _predict(self) -> str:
        """Ask a stored model, where there is one."""
        chosen = self._some()
        found = self.asked("GET", f"/experiments/{chosen.name}/runs", params={"state": "succeeded", "limit": 5})
        runs = found.json()["items"] if found is not None and found.status_code == 200 else []
        if not runs:
            return f"no model of {chosen.name} yet"
        run = self.asked("GET", f"/runs/{self.rng.choice(runs)['id']}")
        if run is not None and run.status_code == 200 and run.json()["length"]:
            checkpoint, length = run.json()["checkpoints"][0]["id"], run.json()["length"]
            inputs = [[self.rng.uniform(-1, 1) for _ in range(length)]]
            self.asked("POST", f"/checkpoints/{checkpoint}/predictions", json={"inputs": inputs})
        return f"predict with a model of {chosen.name}"

    def _look(self) -> str:
        path = self.rng.choice(["/results/{}", "/experiments/{}", "/experiments/{}/runs", "/results/{}?format=csv"])
        chosen = self._some()
        self.asked("GET", path.format(chosen.name), self.rng.choice([*OWNERS, ADMIN]))
        return f"look at {path.format(chosen.name)}"

    def _look_without_a_key(self) -> str:
        """Whoever has no key is shown nothing, whatever has just died."""
        answer = self.asked("GET", f"/experiments/{self._some().name}", NOBODY)
        if answer is not None and answer.status_code not in (401, 429, 503):
            self.wrong.append(f"without a key: {answer.status_code} {answer.text[:300]}")
        return "look without a key"
