"""Who may do what: every route of the application, asked with every kind of key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from service.middleware.scopes import NEEDED
from service.operations import keys as operations
from service.operations.caller import ANYBODY
from service.operations.key_request import KeyRequest
from service.storage.tables import keys as table
from tests.contract.problems import told
from tests.contract.stage import LATCH, Stage, staged
from tests.contract.test_openapi import flat

OPEN = ("GET /health/live", "GET /health/ready", "GET /login", "POST /login", "POST /logout")
READ = (
    "GET /",
    "GET /checkpoints/{id}",
    "GET /checkpoints/{id}/onnx",
    "GET /checkpoints/{id}/weights",
    "GET /comparisons",
    "GET /datasets",
    "GET /datasets/{id}",
    "GET /datasets/{id}/preview",
    "GET /docs",
    "GET /experiments",
    "GET /experiments/{id}",
    "GET /experiments/{id}/events",
    "GET /experiments/{id}/runs",
    "GET /metrics",
    "GET /models",
    "GET /models/{kind}",
    "GET /openapi.json",
    "GET /optimizers",
    "GET /optimizers/{kind}",
    "GET /probe-kinds",
    "GET /probe-kinds/{kind}",
    "GET /probes",
    "GET /probes/{id}",
    "GET /queue",
    "GET /results",
    "GET /results/{id}",
    "GET /results/{id}/figures/{name}",
    "GET /runs/{id}",
    "GET /runs/{id}/metrics",
    "GET /static/vega.js",
    "GET /static/{name}",
    "GET /studies",
    "GET /studies/{kind}",
    "GET /tasks",
    "GET /tasks/{kind}",
    "GET /workers",
    "POST /tasks/{kind}/samples",
)
RUN = (
    "DELETE /datasets/{id}",
    "POST /datasets",
    "DELETE /experiments/{id}",
    "POST /checkpoints",
    "POST /checkpoints/{id}/predictions",
    "POST /checkpoints/{id}/probes",
    "POST /experiments",
    "POST /experiments/{id}/cancel",
    "POST /experiments/{id}/extend",
    "POST /experiments/{id}/pause",
    "POST /experiments/{id}/probes",
    "POST /experiments/{id}/resume",
    "POST /experiments/{id}/retry",
    "POST /studies/{kind}/experiments",
)
ADMIN = ("DELETE /keys/{id}", "GET /audit", "GET /keys", "POST /keys")
TABLE = {
    **dict.fromkeys(OPEN, "open"),
    **dict.fromkeys(READ, "read"),
    **dict.fromkeys(RUN, "run"),
    **dict.fromkeys(ADMIN, "admin"),
}
KINDS = ("none", "read", "run", "admin", "expired", "revoked", "unknown")
LETS_IN = {"open": set(KINDS), "read": {"read", "run", "admin"}, "run": {"run", "admin"}, "admin": {"admin"}}


@dataclass(frozen=True)
class Locked:
    """An application that needs a key, with a key of each kind."""

    stage: Stage
    secrets: Mapping[str, str]

    def ask(self, kind: str, method: str, path: str, **options: Any) -> Any:
        headers = {
            **({"Authorization": f"Bearer {self.secrets[kind]}"} if kind != "none" else {}),
            **options.pop("headers", {}),
        }
        return self.stage.client.request(method, path, headers=headers, follow_redirects=False, **options)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    with staged(tmp_path_factory.mktemp("access")) as stage:
        stage.finish(LATCH)
        database, secrets = stage.context.database, {"unknown": "mspn_" + "0" * 49}
        for name, scope in (
            ("admin", "admin"),
            ("read", "read"),
            ("run", "run"),
            ("expired", "admin"),
            ("revoked", "admin"),
        ):
            asked = KeyRequest.model_validate({"name": name, "scope": scope})
            secrets[name] = operations.create(database, asked, ANYBODY, over_http=False).secret
        with database.writing() as connection:
            connection.execute(table.update().where(table.c.name == "expired").values(expires_at=table.c.created_at))
        operations.revoke_named(database, "revoked", ANYBODY)
        stage.app.state.keyring.forget()
        yield Locked(stage, secrets)


def served(stage: Stage) -> set[str]:
    """Every method and path that the application answers."""
    routes = [route for router in stage.app.router.routes for route in flat(router)]
    return {f"{method} {route.path}" for route in routes for method in route.methods - {"HEAD"}}


def test_every_route_of_the_application_has_its_place_in_the_table(locked: Locked) -> None:
    """A new route: decide who may ask it, and write it here and in service/middleware/scopes.py."""
    assert served(locked.stage) == set(TABLE)
    assert {route: needed for route, needed in TABLE.items() if needed != "open"} == {
        f"{method} {path}": scope
        for (method, path), scope in NEEDED.items()
        if f"{method} {path}" in set(TABLE) - set(OPEN)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_key_is_let_in_where_the_table_says_and_nowhere_else(locked: Locked, kind: str) -> None:
    refused, expected = {}, {}
    for route, needed in TABLE.items():
        locked.stage.app.state.rate_limits.forget()
        method, _, path = route.partition(" ")
        answer = locked.ask(kind, method, re.sub(r"{\w+}", "nothing-there", path))
        assert answer.status_code < 500, route
        refused[route] = answer.status_code if answer.status_code in (401, 403) else None
        known = kind in ("read", "run", "admin")
        expected[route] = None if kind in LETS_IN[needed] else 403 if known else 401
    assert refused == expected


def test_what_is_refused_names_the_scope_that_is_needed_and_the_one_that_is_there(locked: Locked) -> None:
    problem = told(locked.ask("read", "POST", "/experiments", json=LATCH), 403)
    assert problem["detail"] == "This needs the scope run; the key 'read' has read."
    answer = locked.ask("run", "GET", "/keys")
    assert told(answer, 403)["detail"] == "This needs the scope admin; the key 'run' has run."
    assert 'scope="admin"' in answer.headers["www-authenticate"]


def test_a_missing_scope_is_told_before_a_body_is_judged(locked: Locked) -> None:
    assert locked.ask("read", "POST", "/experiments", content=b"{").status_code == 403
    assert locked.ask("none", "POST", "/experiments", content=b"{").status_code == 401


@pytest.mark.parametrize("path", ["/nowhere", "/experiments/exp-1/nothing", "/static/none.js"])
def test_what_is_not_there_is_a_secret_too(locked: Locked, path: str) -> None:
    assert locked.ask("none", "GET", path).status_code == 401
    assert locked.ask("read", "GET", path).status_code == 404


def test_head_and_other_methods_need_a_key(locked: Locked) -> None:
    assert locked.ask("none", "HEAD", "/results").status_code == 401
    assert locked.ask("read", "HEAD", "/results").status_code == 200
    assert locked.ask("none", "OPTIONS", "/results").status_code == 401
    assert locked.ask("read", "OPTIONS", "/results").status_code == 405


def test_a_new_keys_secret_is_shown_once_and_works_at_once(locked: Locked) -> None:
    answer = locked.ask(
        "admin", "POST", "/keys", json={"name": "new", "scope": "read"}, headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    secret = answer.json()["secret"]
    locked.stage.app.state.keyring.forget()
    assert locked.stage.client.get("/results", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    again = locked.ask(
        "admin", "POST", "/keys", json={"name": "new", "scope": "read"}, headers={"Idempotency-Key": "k"}
    )
    assert told(again, 409)["errors"][0]["pointer"] == "#/name"
    listed = locked.ask("admin", "GET", "/keys")
    assert secret not in listed.text
    row = next(item for item in listed.json()["items"] if item["name"] == "new")
    assert (row["state"], row["scope"], row["hint"]) == ("working", "read", secret[:9])
    assert locked.ask("admin", "DELETE", f"/keys/{row['id']}").status_code == 204
    locked.stage.app.state.keyring.forget()
    ended = locked.stage.client.get("/results", headers={"Authorization": f"Bearer {secret}"})
    assert "was revoked at" in told(ended, 401)["detail"]


def test_keys_are_listed_in_pages(locked: Locked) -> None:
    first = locked.ask("admin", "GET", "/keys?limit=2")
    assert [item["name"] for item in first.json()["items"]] == ["admin", "read"]
    rest = locked.ask("admin", "GET", f"/keys?limit=500&cursor={first.json()['next_cursor']}").json()
    assert [item["name"] for item in rest["items"]][:3] == ["run", "expired", "revoked"]
    assert rest["next_cursor"] is None


def test_one_idempotency_key_of_two_callers_is_two(locked: Locked) -> None:
    headers = {"Idempotency-Key": "shared"}
    made = [locked.ask(kind, "POST", "/experiments", json=LATCH, headers=headers) for kind in ("run", "admin", "run")]
    assert [answer.status_code for answer in made] == [201, 201, 201]
    assert made[0].json()["id"] == made[2].json()["id"] != made[1].json()["id"]
    assert made[2].headers["idempotency-replayed"] == "true"
    other = locked.ask("run", "POST", "/experiments", json=LATCH | {"name": "other"}, headers=headers)
    assert told(other, 422)["errors"][0]["given"] == "shared"


def test_a_key_without_the_scope_is_told_so_whatever_else_is_wrong_with_the_request(locked: Locked) -> None:
    used = {"Idempotency-Key": "used"}
    for headers in ({"Idempotency-Key": ""}, used, used):
        for path in ("/experiments", "/keys", "/studies/latch/experiments?nonsense=1"):
            told(locked.ask("read", "POST", path, content=b"{", headers=headers), 403)
    assert locked.ask("read", "POST", "/nowhere", headers={"Idempotency-Key": "new"}).status_code == 404
    assert locked.ask("read", "DELETE", "/results").status_code == 405


def test_a_route_that_the_table_lacks_is_an_admin_s(locked: Locked) -> None:
    locked.stage.app.router.add_route("/forgotten", lambda request: PlainTextResponse("here"))
    told(locked.ask("run", "GET", "/forgotten"), 403)
    assert locked.ask("admin", "GET", "/forgotten").text == "here"


def test_without_any_key_nobody_on_this_machine_needs_one(client: TestClient) -> None:
    assert client.get("/keys").json() == {"items": [], "next_cursor": None}
    refused = client.post("/keys", json={"name": "lab", "scope": "admin"})
    assert "memspan keys create" in told(refused, 409)["detail"]
    assert client.get("/keys").json()["items"] == []


def test_the_description_names_the_scheme_and_each_scope(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert {} in document["security"], "none is needed while there is no key"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            needed = TABLE[f"{method.upper()} {path}"]
            assert operation.get("security", "as all") == ([] if needed == "open" else "as all")
            assert operation.get("x-scope", "open") == needed
