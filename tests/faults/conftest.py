"""The deployment that things happen to."""

from __future__ import annotations

import pytest

from tests.deployment import Deployment


@pytest.fixture
def staffed_deployment(deployment: Deployment) -> Deployment:
    """The deployment with two idle worker processes, whatever became of the test before."""
    for part in (deployment.redis, deployment.postgres):
        if not part.ready():
            part.start()
    if not deployment.worker.alive():
        deployment.worker.start()
    deployment.staffed(2)
    return deployment
