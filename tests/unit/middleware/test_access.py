"""Access: who is let in once there is a key, and what everybody else is told."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from service.middleware.access import Access
from service.middleware.rate_limits import RateLimits
from service.operations.key_secret import new_secret
from service.scopes import Scope
from service.settings import Settings
from tests.unit.middleware.rings import NOW, MemoryKeyring

LOOPBACK = (ip_network("127.0.0.0/8"),)


def asked(keyring: MemoryKeyring, address: str = "127.0.0.1") -> TestClient:
    app = FastAPI()

    @app.get("/who")
    def who(request: Request) -> dict[str, Any]:
        return {"name": request.state.caller.name, "address": request.state.caller.address}

    @app.get("/health/live")
    def live() -> str:
        return "alive"

    app.add_middleware(Access, keyring=keyring, networks=LOOPBACK, limits=RateLimits(Settings()))
    return TestClient(app, client=(address, 1))


def bearing(secret: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {secret}"}


def test_without_keys_whoever_is_trusted_has_no_name() -> None:
    assert asked(MemoryKeyring()).get("/who").json() == {"name": None, "address": "127.0.0.1"}


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1"])
def test_with_a_key_the_network_does_not_matter(address: str) -> None:
    keyring = MemoryKeyring()
    secret = keyring.make("lab")
    client = asked(keyring, address)
    assert client.get("/who").status_code == 401
    assert client.get("/who", headers=bearing(secret)).json() == {"name": "lab", "address": address}
    assert keyring.used == ["lab"]


def test_the_scheme_is_read_in_any_case() -> None:
    keyring = MemoryKeyring()
    assert asked(keyring).get("/who", headers=bearing(keyring.make("lab"), "bearer")).status_code == 200


def test_health_needs_no_key() -> None:
    keyring = MemoryKeyring()
    keyring.make("lab")
    assert asked(keyring).get("/health/live").json() == "alive"


@pytest.mark.parametrize("scope", list(Scope))
def test_a_key_that_ended_says_when_and_lets_nobody_in(scope: Scope) -> None:
    keyring = MemoryKeyring()
    expired, revoked = keyring.make("old", scope, expires_at=NOW), keyring.make("gone", scope, revoked=True)
    for secret, word in ((expired, "expired at 1970-01-01T00:16:40.000Z"), (revoked, "revoked at 1970")):
        answer = asked(keyring).get("/who", headers=bearing(secret))
        assert answer.status_code == 401
        assert word in answer.json()["detail"]
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_key_that_expires_later_lets_in() -> None:
    keyring = MemoryKeyring()
    secret = keyring.make("lab", expires_at=NOW + 0.1)
    assert asked(keyring).get("/who", headers=bearing(secret)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Basic bGFiOnB3")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Bearer mspn_")],
        [("Authorization", f"Bearer {new_secret()}")],
        [("Authorization", "Bearer \xff")],
        [("Authorization", "Bearer " + "x" * 5_000)],
    ],
)
def test_anything_else_is_told_how_to_get_in(headers: list[tuple[str, str]]) -> None:
    keyring = MemoryKeyring()
    keyring.make("lab")
    answer = asked(keyring).get("/who", headers=[(name, value.encode("latin-1")) for name, value in headers])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="memspan"')
    assert "Authorization: Bearer" in answer.json()["detail"]
    assert "memspan keys create" in answer.json()["detail"]


def test_two_keys_at_once_are_none() -> None:
    keyring = MemoryKeyring()
    one = ("Authorization", f"Bearer {keyring.make('lab')}")
    assert asked(keyring).get("/who", headers=[one, one]).status_code == 401


def test_keys_that_all_ended_open_nothing() -> None:
    keyring = MemoryKeyring()
    keyring.make("old", expires_at=NOW - 1)
    keyring.make("gone", revoked=True)
    assert asked(keyring).get("/who").status_code == 401
