"""What the tests of the HTTP contract stand on: one application, and an experiment that was really trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.contract.stage import LATCH, Stage, staged


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One application for all tests of this shelf; each must leave what others look at alone."""
    with staged(tmp_path_factory.mktemp("contract")) as made:
        yield made


@pytest.fixture(scope="session")
def client(stage: Stage) -> TestClient:
    return stage.client


@pytest.fixture(scope="session")
def finished(stage: Stage) -> dict[str, Any]:
    """An experiment with all its runs and probes done."""
    experiment = stage.finish(LATCH)
    assert experiment["state"] == "succeeded", experiment
    return experiment
