"""What must hold behind a soak."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from tests.deployment import Deployment
from tests.faults.disturbance import numbers_of
from tests.soak.demands import ENDED, OUTAGE_SECONDS, Demands, Posted
from tests.soak.mishaps import Mishaps
from tests.soak.people import within_quotas
from tests.waiting import until

END_SECONDS = 900


def judged(deployment: Deployment, demands: Demands, mishaps: Mishaps) -> None:
    """Everything ends by itself, once, with the numbers that it has anywhere else; the doctor finds nothing."""
    until(lambda: deployment.client.request("GET", "/health/ready").status_code == 200, OUTAGE_SECONDS, "the API")
    for each in demands.posted:
        deployment.client.request("POST", f"/experiments/{each.name}/resume")
    for each in demands.posted:
        if each.scratch:
            until(lambda each=each: _gone(deployment, each), END_SECONDS, f"{each.name} to be deleted by its rule")
    kept = [each for each in demands.posted if not _gone(deployment, each)]
    assert all(_owner(deployment, each) == each.owner for each in kept), "an experiment has another owner"
    assert within_quotas(deployment.client), "somebody uses more than he may"
    lost = sum(_ended(deployment, each) for each in kept)
    assert lost <= mishaps.interrupted / 2, f"{lost} conditions have lost runs; {mishaps.interrupted} leases were ended"
    names = {item["id"] for item in _all(deployment)}
    assert names == {each.name for each in kept}, "an experiment was lost, or made twice"
    assert not demands.wrong, demands.wrong
    mishaps.healed()
    told = f"{len(kept)} experiments ended by themselves, {len(demands.posted) - len(kept)} were deleted"
    print(f"{told}, {demands.refused} were refused by a quota", flush=True)
    _examined(deployment)


def _gone(deployment: Deployment, posted: Posted) -> bool:
    found = deployment.client.request("GET", f"/experiments/{posted.name}")
    assert found.status_code in (200, 404), found.text
    return found.status_code == 404


def _owner(deployment: Deployment, posted: Posted) -> str:
    return str(deployment.client.experiment(posted.name)["owner"])


def _ended(deployment: Deployment, posted: Posted) -> int:
    """One experiment's end: its runs are done, cancelled by request, or lost with three workers.

    Returns:
        of how many conditions runs were lost: each of them takes two mishaps at least that it did not share with
        another one, as what was lost once is claimed alone.
    """
    client = deployment.client
    state = until(lambda: _state(deployment, posted), END_SECONDS, f"{posted.name} to end")
    assert state != "cancelled" or posted.cancelled, posted.name
    expected = {each["seed"]: each for each in numbers_of(posted.spec)}
    numbers = {each["seed"]: each for each in client.numbers(posted.name)}
    lost: set[str] = set()
    for run in client.runs(posted.name):
        if run["state"] == "succeeded":
            assert numbers[run["seed"]] == expected[run["seed"]], f"{posted.name} {run['id']}"
        else:
            assert run["state"] == "cancelled" or run["reason"] == "worker_lost", run
            lost |= {str([run["task"], run["model"], run["length"]])} if run["reason"] == "worker_lost" else set()
    assert len(numbers) == len(expected), posted.name
    return len(lost)


def _state(deployment: Deployment, posted: Posted) -> str | None:
    state = str(deployment.client.experiment(posted.name)["state"])
    return state if state in ENDED else None


def _all(deployment: Deployment) -> list[Any]:
    items: list[Any] = []
    cursor: str | None = None
    while True:
        page = deployment.client.get("/experiments", params={"limit": 500, **({"cursor": cursor} if cursor else {})})
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def _examined(deployment: Deployment) -> None:
    """What ``memspan doctor`` says of the database."""
    command = [sys.executable, "-m", "service", "doctor"]
    said = subprocess.run(command, env=deployment.api.environment, capture_output=True, text=True, check=False)
    print(said.stdout, flush=True)
    assert said.returncode == 0, said.stdout + said.stderr
