"""What each route needs: the one table of it. A route that is missing here is an admin's, and a test tells so."""

from collections.abc import Mapping

from service.middleware.trust import OPEN_PATHS
from service.scopes import Scope

READ, RUN, ADMIN = Scope.READ, Scope.RUN, Scope.ADMIN

UNLOCKED = OPEN_PATHS | {"/login", "/logout", "/static/style.css", "/static/icon.svg"}
"""what is served without a key: whether the process lives, and the way in with what it needs to be seen"""

NEEDED: Mapping[tuple[str, str], Scope] = {
    ("GET", "/"): READ,
    ("GET", "/docs"): READ,
    ("GET", "/openapi.json"): READ,
    ("GET", "/static/vega.js"): READ,
    ("GET", "/static/{name}"): READ,
    ("GET", "/experiments"): READ,
    ("POST", "/experiments"): RUN,
    ("GET", "/experiments/{id}"): READ,
    ("DELETE", "/experiments/{id}"): RUN,
    ("POST", "/experiments/{id}/cancel"): RUN,
    ("POST", "/experiments/{id}/pause"): RUN,
    ("POST", "/experiments/{id}/resume"): RUN,
    ("POST", "/experiments/{id}/retry"): RUN,
    ("POST", "/experiments/{id}/extend"): RUN,
    ("GET", "/experiments/{id}/events"): READ,
    ("GET", "/experiments/{id}/runs"): READ,
    ("POST", "/experiments/{id}/probes"): RUN,
    ("GET", "/runs/{id}"): READ,
    ("GET", "/runs/{id}/metrics"): READ,
    ("GET", "/results"): READ,
    ("GET", "/results/{id}"): READ,
    ("GET", "/results/{id}/figures/{name}"): READ,
    ("GET", "/comparisons"): READ,
    ("GET", "/datasets"): READ,
    ("POST", "/datasets"): RUN,
    ("GET", "/datasets/{id}"): READ,
    ("DELETE", "/datasets/{id}"): RUN,
    ("GET", "/datasets/{id}/preview"): READ,
    ("POST", "/checkpoints"): RUN,
    ("GET", "/checkpoints/{id}"): READ,
    ("GET", "/checkpoints/{id}/weights"): READ,
    ("GET", "/checkpoints/{id}/onnx"): READ,
    ("POST", "/checkpoints/{id}/predictions"): RUN,
    ("POST", "/checkpoints/{id}/probes"): RUN,
    ("GET", "/probes"): READ,
    ("GET", "/probes/{id}"): READ,
    ("GET", "/studies"): READ,
    ("GET", "/studies/{kind}"): READ,
    ("POST", "/studies/{kind}/experiments"): RUN,
    ("GET", "/tasks"): READ,
    ("GET", "/tasks/{kind}"): READ,
    ("POST", "/tasks/{kind}/samples"): READ,
    ("GET", "/models"): READ,
    ("GET", "/models/{kind}"): READ,
    ("GET", "/optimizers"): READ,
    ("GET", "/optimizers/{kind}"): READ,
    ("GET", "/probe-kinds"): READ,
    ("GET", "/probe-kinds/{kind}"): READ,
    ("GET", "/workers"): READ,
    ("GET", "/queue"): READ,
    ("GET", "/metrics"): READ,
    ("GET", "/health/live"): READ,
    ("GET", "/health/ready"): READ,
    ("GET", "/login"): READ,
    ("POST", "/login"): READ,
    ("POST", "/logout"): READ,
    ("GET", "/audit"): ADMIN,
    ("GET", "/keys"): ADMIN,
    ("POST", "/keys"): ADMIN,
    ("DELETE", "/keys/{id}"): ADMIN,
}


def needed(method: str, path: str) -> Scope:
    """The scope that a route needs, by its method and the template of its path."""
    return NEEDED.get((method, path), Scope.ADMIN)
