"""What generated requests are sent to: one application with a finished experiment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.contract.stage import LATCH, Stage, staged

settings.register_profile(
    "memspan",
    deadline=None,  # the machine is shared: time says nothing about a request
    derandomize=True,  # the seed is pinned: a failure comes again
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("memspan")


CSV = {"Content-Type": "text/csv"}
DAYS = "day,demand\n" + "".join(f"{day},{day % 7}\n" for day in range(100))


@dataclass(frozen=True)
class Ground:
    """An application and the ids of things that are there, by what their paths begin with."""

    stage: Stage
    ids: dict[str, str]


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """An application with one finished experiment."""
    with staged(tmp_path_factory.mktemp("property")) as stage:
        experiment = stage.finish(LATCH)
        yield Ground(stage, ids_of(stage, experiment))


def ids_of(stage: Stage, experiment: dict[str, Any]) -> dict[str, str]:
    """Ids of things that an experiment has brought."""
    run = stage.client.get(experiment["links"]["runs"]).json()["items"][0]["id"]
    return {
        "/experiments/": experiment["id"],
        "/results/": experiment["id"],
        "/runs/": run,
        "/checkpoints/": stage.client.get(f"/runs/{run}").json()["checkpoints"][0]["id"],
        "/probes/": stage.client.get("/probes").json()["items"][0]["id"],
        "/datasets/": stage.client.post("/datasets?name=days.csv", content=DAYS, headers=CSV).json()["id"],
    }
