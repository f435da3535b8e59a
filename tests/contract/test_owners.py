"""Whose an experiment is, who may change it, and what is kept of what was done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from service.operations import keys as operations
from service.operations.caller import ANYBODY
from service.operations.key_request import KeyRequest
from tests.contract.problems import told
from tests.contract.stage import SMALL, Stage, staged
from tests.waiting import until

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2],
    "training": SMALL,
    "repeats": 1,
}
CHANGES = (
    "POST {}/pause",
    "POST {}/resume",
    "POST {}/cancel",
    "POST {}/retry",
    "POST {}/cancel",
    "DELETE {}?dry_run=true",
    "DELETE {}",
)


class Lab:
    """An application with the keys ada and bob (run), eve (read) and root (admin)."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.secrets = {
            name: operations.create(
                stage.context.database,
                KeyRequest.model_validate({"name": name, "scope": scope}),
                ANYBODY,
                over_http=False,
            ).secret
            for name, scope in (("ada", "run"), ("bob", "run"), ("eve", "read"), ("root", "admin"))
        }
        stage.app.state.keyring.forget()

    def ask(self, name: str, request: str, **options: Any) -> Any:
        method, _, path = request.partition(" ")
        headers = {"Authorization": f"Bearer {self.secrets[name]}", "X-Request-Id": f"by-{name}"}
        return self.stage.client.request(method, path, headers=headers, **options)

    def submit(self, name: str) -> str:
        answer = self.ask(name, "POST /experiments", json=SPEC)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["links"]["self"])

    def trail(self, **query: str) -> list[Any]:
        return list(
            self.stage.client.get(
                "/audit", params=query, headers={"Authorization": f"Bearer {self.secrets['root']}"}
            ).json()["items"]
        )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with staged(tmp_path_factory.mktemp("owners")) as stage:
        old = stage.submit(SPEC, name="before there was a key")["links"]["self"]
        made = Lab(stage)
        made.old = old  # type: ignore[attr-defined]
        yield made


def test_an_experiment_names_its_owner_and_lists_are_narrowed_by_it(lab: Lab) -> None:
    path = lab.submit("ada")
    lab.submit("bob")
    assert lab.ask("eve", f"GET {path}").json()["owner"] == "ada"
    for listing in ("/experiments", "/results"):
        owners = {item["owner"] for item in lab.ask("eve", f"GET {listing}?owner=ada").json()["items"]}
        assert owners == {"ada"}
    assert lab.ask("eve", "GET /experiments?owner=nobody").json()["items"] == []
    assert lab.ask("eve", "GET /experiments?owner=%00").status_code == 400


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_anothers_stays_as_it_is(lab: Lab, change: str) -> None:
    path = lab.submit("ada")
    before = lab.ask("eve", f"GET {path}").json()
    problem = told(lab.ask("bob", change.format(path)), 403)
    assert problem["detail"].startswith(f"The experiment {before['id']} is that of 'ada': only its owner or an admin")
    assert lab.ask("eve", f"GET {path}").json() == before


def test_reading_is_for_all(lab: Lab) -> None:
    path = lab.submit("ada")
    for name in ("ada", "bob", "eve", "root"):
        for what in ("", "/runs", "/events?limit=1"):
            assert (
                lab.ask(name, f"GET {path}{what}" if "events" not in what else f"HEAD {path}{what}").status_code == 200
            )


@pytest.mark.parametrize("name", ["ada", "root"])
def test_its_owner_and_an_admin_may_change_it(lab: Lab, name: str) -> None:
    path = lab.submit("ada")
    answers = [lab.ask(name, change.format(path)).status_code for change in CHANGES]
    assert answers == [202, 202, 202, 202, 202, 200, 204]


def test_what_was_there_before_any_key_is_the_admins(lab: Lab) -> None:
    old: str = lab.old  # type: ignore[attr-defined]
    assert lab.ask("eve", f"GET {old}").json()["owner"] is None
    assert "is nobody's" in told(lab.ask("ada", f"POST {old}/cancel"), 403)["detail"]
    assert lab.ask("root", f"POST {old}/cancel").status_code == 202


def test_a_study_and_its_experiments_are_whose_key_started_them(lab: Lab, tiny_study: None) -> None:
    kind = lab.ask("ada", "GET /studies").json()["items"][0]["kind"]
    started = lab.ask("ada", f"POST /studies/{kind}/experiments", json={"scale": "quick"}).json()
    assert {item["owner"] for item in started["items"]} == {"ada"}
    assert lab.ask("eve", f"GET /studies/{kind}").json()["owner"] == "ada"
    (entry,) = lab.trail(action="start_study")
    assert (entry["caller"], entry["object"], entry["detail"]) == ("ada", started["group"], kind)


def test_a_probe_is_whose_key_asked_it(lab: Lab) -> None:
    path = lab.submit("ada")
    lab.stage.work()
    asked = {"probe": {"kind": "change", "index": 0}}
    (probe,) = lab.ask("bob", f"POST {path}/probes", json=asked).json()["items"]
    (again,) = lab.ask("ada", f"POST {path}/probes", json=asked).json()["items"]
    assert probe["owner"] == again["owner"] == "bob"
    trail = lab.trail(action="probe_experiment")
    assert [(entry["caller"], entry["object"]) for entry in trail] == [("bob", path.removeprefix("/experiments/"))]


def test_every_act_is_kept_with_who_when_and_from_where(lab: Lab) -> None:
    path = lab.submit("ada")
    experiment = path.removeprefix("/experiments/")
    for change in CHANGES:
        lab.ask("root", change.format(path))
    trail = lab.trail(object=experiment)
    assert [(entry["caller"], entry["action"], entry["status"]) for entry in reversed(trail)] == [
        ("ada", "submit_experiment", 201),
        ("root", "pause_experiment", 202),
        ("root", "resume_experiment", 202),
        ("root", "cancel_experiment", 202),
        ("root", "retry_experiment", 202),
        ("root", "cancel_experiment", 202),
        ("root", "delete_experiment", 204),
    ]
    assert {(entry["address"], entry["method"]) for entry in trail} == {("127.0.0.1", "POST"), ("127.0.0.1", "DELETE")}
    assert {entry["request_id"] for entry in trail} == {"by-ada", "by-root"}
    assert trail[0]["path"] == path


def test_a_change_that_changes_nothing_and_one_that_fails_are_no_acts(lab: Lab) -> None:
    path = lab.submit("ada")
    lab.ask("ada", f"POST {path}/resume")
    assert lab.ask("ada", f"DELETE {path}").status_code == 409
    assert lab.ask("ada", "POST /experiments?dry_run=true", json=SPEC).status_code == 200
    assert [entry["action"] for entry in lab.trail(object=path.removeprefix("/experiments/"))] == ["submit_experiment"]


def test_keys_that_are_made_and_revoked_are_kept_without_their_secret(lab: Lab) -> None:
    made = lab.ask("root", "POST /keys", json={"name": "guest", "scope": "read"}).json()
    lab.ask("root", f"DELETE /keys/{made['id']}")
    lab.ask("root", f"DELETE /keys/{made['id']}")
    trail = lab.trail(object=made["id"])
    assert [(entry["action"], entry["caller"], entry["detail"]) for entry in trail] == [
        ("revoke_key", "root", "guest"),
        ("create_key", "root", "guest, read"),
    ]
    assert made["secret"] not in str(lab.trail())


def test_refused_attempts_are_kept(lab: Lab) -> None:
    path = lab.submit("ada")
    lab.ask("bob", f"DELETE {path}")
    lab.stage.client.get(path, headers={"Authorization": "Bearer mspn_wrong", "X-Request-Id": "stranger"})

    def kept() -> set[Any]:
        return {
            (entry["caller"], entry["method"], entry["status"])
            for entry in lab.trail(action="refused")
            if entry["path"] == path
        }

    until(lambda: kept() == {("bob", "DELETE", 403), (None, "GET", 401)}, 5, "both attempts to be kept")


def test_the_trail_is_paged_and_narrowed_by_time(lab: Lab) -> None:
    lab.submit("ada")
    lab.submit("ada")
    first = lab.ask("root", "GET /audit?limit=1&key=ada").json()
    second = lab.ask("root", f"GET /audit?limit=1&key=ada&cursor={first['next_cursor']}").json()
    assert first["items"][0]["id"] > second["items"][0]["id"]
    at = first["items"][0]["at"]
    assert lab.trail(since="2999-01-01T00:00:00Z") == []
    assert all(entry["at"] < at for entry in lab.trail(until=at, key="ada"))
    for wrong in ("since=yesterday", "since=2026-01-01T00:00:00", "key=%00", "keys=ada"):
        assert lab.ask("root", f"GET /audit?{wrong}").status_code in (400, 422)
