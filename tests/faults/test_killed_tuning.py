"""Workers that are killed while settings are chosen, at the moment in which they are, and behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import memspan
from examples.process import started
from tests.faults.disturbance import ENOUGH_SECONDS, killed, lasting, numbers_of
from tests.processes import Client, MemspanProcess, kill
from tests.waiting import until

RATES = [0.0001, 0.001, 0.01]
TUNING = 3 * 2
SPEC = lasting(4)
TUNED: dict[str, Any] = {
    **SPEC,
    "training": {
        **SPEC["training"],
        "optimizer": {"kind": "adam", "learning_rate": {"tune": RATES}},
        "tuning": {"repeats": 2, "length": None},
    },
}


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemspanProcess]:
    home = tmp_path_factory.mktemp("tuning")
    with started(MemspanProcess(home, "serve", "--port", "0", "--workers", "1")) as process:
        yield process


@pytest.fixture(scope="module")
def client(serve: MemspanProcess) -> Client:
    made = Client(serve.address())
    until(lambda: len(made.workers()) == 1, 60, "a worker")
    return made


@pytest.mark.long
def test_workers_killed_around_the_choice_change_nothing_of_it(client: Client) -> None:
    name = client.submit(TUNED)
    killed(client, name, 1)
    until(lambda: client.experiment(name)["runs"]["total"] > TUNING, ENOUGH_SECONDS, "the choice")
    kill(client.workers()[0]["pid"])
    killed(client, name, 1)
    assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
    undisturbed = memspan.run(TUNED)
    found = client.get(f"/results/{name}", headers={"Accept": "application/json"})
    assert found["tuning"] == undisturbed.document["tuning"]
    (choice,) = found["tuning"]
    assert choice["chosen"] in RATES
    assert timeless(found["conditions"]) == timeless(undisturbed.document["conditions"])
    items = client.get(f"/experiments/{name}/runs", params={"limit": 500})["items"]
    assert [each["purpose"] for each in items] == ["tuning"] * TUNING + ["report"] * 3
    assert max(each["attempt"] for each in items) > 1
    assert client.numbers(name)[TUNING:] == numbers_of(written(choice["chosen"]))


def written(rate: float) -> dict[str, Any]:
    """The experiment with a rate written out, and nothing tuned."""
    return {**SPEC, "training": {**SPEC["training"], "optimizer": {"kind": "adam", "learning_rate": rate}}}


def timeless(entries: Any) -> list[Any]:
    return [{**each, "seconds_per_epoch": None} for each in json.loads(json.dumps(entries))]
