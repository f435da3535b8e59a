"""``memspan api`` and ``memspan worker`` over PostgreSQL and Redis."""

from __future__ import annotations

from tests.deployment import Deployment
from tests.end_to_end.flow import whole_flow


def test_a_user_gets_all_from_a_deployment(deployment: Deployment) -> None:
    said = [process.said() for process in (deployment.api, deployment.worker)]
    whole_flow(deployment.client)
    assert deployment.client.get("/health/ready")["status"] == "ok"
    for process, before in zip((deployment.api, deployment.worker), said, strict=True):
        assert "Traceback" not in process.said().removeprefix(before)
