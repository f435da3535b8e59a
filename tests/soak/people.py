"""People: whose keys a soak asks with, what one of them may use at most, and what is kept of what they made."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from tests.deployment import Deployment
from tests.processes import Client

OWNERS = ("ada", "bob")
ADMIN = "root"
NOBODY = "nobody"
"""has no key"""
QUOTAS = {"ada": ("queued_runs", 20)}
SCRATCH = "scratch"
"""label of what is deleted once it has ended"""


def introduced(deployment: Deployment) -> dict[str, Client]:
    """Make their keys, and the rule of retention; a client for each of them, and one without a key."""
    client = deployment.client
    made = {NOBODY: client}
    for name in (ADMIN, *OWNERS):
        quota = ["--quota", "{}={}".format(*QUOTAS[name])] if name in QUOTAS else []
        scope = "admin" if name == ADMIN else "run"
        secret = command(deployment, "keys", "create", "--name", name, "--scope", scope, *quota)
        made[name] = replace(client, key=secret.strip())
    command(deployment, "retention", "--label", SCRATCH, "--days", "0", "--keep", "nothing")
    return made


def command(deployment: Deployment, *arguments: str) -> str:
    """What a command of the deployment's operator says."""
    said = subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        env=deployment.api.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


def within_quotas(client: Client) -> bool:
    """Whether nobody uses more than he may, as an admin is told."""
    used = {item["name"]: item["usage"] for item in client.get("/keys")["items"]}
    return all(used[owner][name] <= most for owner, (name, most) in QUOTAS.items())
