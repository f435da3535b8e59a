"""Quotas and rate limits of keys, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from service.operations import keys as operations
from service.operations.caller import ANYBODY
from service.operations.key_request import KeyRequest
from tests.contract.problems import told
from tests.contract.stage import SMALL, Stage, staged

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2],
    "training": SMALL,
    "repeats": 4,
}


class Bounded:
    """An application with keys that have quotas."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.secrets = {"root": self.key("root", "admin")}

    def key(self, name: str, scope: str = "run", **quota: int) -> str:
        asked = KeyRequest.model_validate({"name": name, "scope": scope, "quota": quota})
        secret = operations.create(self.stage.context.database, asked, ANYBODY, over_http=False).secret
        self.stage.app.state.keyring.forget()
        return secret

    def post(self, secret: str, path: str = "/experiments", **fields: Any) -> Any:
        headers = {"Authorization": f"Bearer {secret}"}
        return self.stage.client.post(path, json=(SPEC if path == "/experiments" else {}) | fields, headers=headers)

    def usage(self, name: str) -> Any:
        headers = {"Authorization": f"Bearer {self.secrets['root']}"}
        items = self.stage.client.get("/keys?limit=500", headers=headers).json()["items"]
        return next(item["usage"] for item in items if item["name"] == name)


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bounded]:
    with staged(tmp_path_factory.mktemp("quotas")) as stage:
        yield Bounded(stage)


def test_runs_that_wait_are_counted_until_they_are_trained(bounded: Bounded) -> None:
    secret = bounded.key("queues", queued_runs=10)
    assert [bounded.post(secret).status_code for _ in range(2)] == [201, 201]
    answer = bounded.post(secret)
    problem = told(answer, 429)
    assert problem["type"] == "/problems/quota-exceeded"
    assert problem["detail"] == (
        "The key 'queues' may have 10 runs that wait (queued_runs): it uses 8, and 4 more are asked for."
    )
    assert problem["errors"][0]["code"] == "quota_queued_runs"
    assert int(answer.headers["retry-after"]) > 0
    assert bounded.usage("queues")["queued_runs"] == 8
    assert bounded.post(secret, repeats=2).status_code == 201
    bounded.stage.work()
    assert bounded.usage("queues")["queued_runs"] == 0
    assert bounded.post(secret).status_code == 201


def test_runs_that_follow_a_choice_are_asked_for_with_those_that_choose(bounded: Bounded) -> None:
    secret = bounded.key("tunes", queued_runs=9)
    rates = {"kind": "adam", "learning_rate": {"tune": [0.01, 0.1]}}
    training = {**SPEC["training"], "optimizer": rates}
    problem = told(bounded.post(secret, training=training), 422)
    assert problem["detail"].endswith("(queued_runs), and 10 are asked for.")


def test_what_can_never_fit_is_another_problem(bounded: Bounded) -> None:
    secret = bounded.key("small", queued_runs=3)
    problem = told(bounded.post(secret), 422)
    assert problem["detail"] == "The key 'small' may have 3 runs that wait (queued_runs), and 4 are asked for."
    assert problem["errors"] == [
        {"pointer": "#", "code": "quota_queued_runs", "message": problem["detail"], "given": 4}
    ]


def test_weights_are_counted_while_they_are_kept(bounded: Bounded) -> None:
    plenty = bounded.key("measures")
    answer = bounded.post(plenty)
    bounded.stage.work()
    stored = bounded.usage("measures")["stored_bytes"]
    assert stored > 0
    secret = bounded.key("keeps", stored_bytes=stored + 1)
    first = bounded.post(secret, seed=7)
    assert first.status_code == 201
    bounded.stage.work()
    assert "stored_bytes" in told(bounded.post(secret, seed=8), 429)["detail"]
    deleted = bounded.stage.client.delete(first.json()["links"]["self"], headers={"Authorization": f"Bearer {secret}"})
    assert deleted.status_code == 204
    assert bounded.usage("keeps")["stored_bytes"] == 0
    assert bounded.post(secret, seed=8).status_code == 201
    assert answer.json()["owner"] == "measures"


def test_work_of_a_day_is_what_plans_estimate_and_deleting_gives_none_of_it_back(bounded: Bounded) -> None:
    free = bounded.key("estimates")
    path = bounded.post(free).json()["links"]["self"]
    each = bounded.usage("estimates")["core_seconds"]
    assert each > 0
    headers = {"Authorization": f"Bearer {free}"}
    bounded.stage.client.post(f"{path}/cancel", headers=headers)
    assert bounded.stage.client.delete(path, headers=headers).status_code == 204
    assert bounded.usage("estimates")["core_seconds"] == each
    secret = bounded.key("works", core_seconds=1)
    heavy = {"repeats": 30, "training": SMALL | {"epochs": 100_000}}
    assert "seconds of one worker a day" in told(bounded.post(secret, **heavy), 422)["detail"]
    assert bounded.usage("works")["core_seconds"] == 0, "what was refused is not charged"
    fit = int(1 / each)
    answers = [bounded.post(secret, name=str(number)) for number in range(min(fit, 3))]
    assert {answer.status_code for answer in answers} <= {201, 429}
    assert bounded.usage("works")["core_seconds"] <= 1


def test_a_study_is_taken_on_as_a_whole_or_not_at_all(bounded: Bounded, tiny_study: None) -> None:
    secret = bounded.key("studies", queued_runs=1)
    before = bounded.stage.rows()
    answer = bounded.post(secret, "/studies/tiny_study/experiments", scale="quick")
    assert answer.status_code in (422, 429)
    assert bounded.stage.rows() == before


def test_probes_that_are_asked_later_are_work(bounded: Bounded) -> None:
    secret = bounded.key("asks")
    experiment = bounded.post(secret).json()
    bounded.stage.work()
    before = bounded.usage("asks")["core_seconds"]
    path = f"{experiment['links']['self']}/probes"
    assert bounded.post(secret, path, probe={"kind": "change", "index": 0}).status_code == 202
    once = bounded.usage("asks")["core_seconds"]
    assert once > before
    bounded.post(secret, path, probe={"kind": "change", "index": 0})
    assert bounded.usage("asks")["core_seconds"] == once, "a stored question is asked for nothing"


def test_a_plan_costs_nothing(bounded: Bounded) -> None:
    secret = bounded.key("plans", queued_runs=0)
    assert bounded.post(secret, "/experiments?dry_run=true", **SPEC).status_code == 200
    assert bounded.usage("plans") == {"queued_runs": 0, "stored_bytes": 0, "core_seconds": 0}


def test_every_answer_to_a_key_tells_how_often_it_may_ask(bounded: Bounded) -> None:
    secret = bounded.key("often")
    headers = {"Authorization": f"Bearer {secret}"}
    for path in ("/results", "/tasks", "/openapi.json", "/experiments/exp-999999"):
        answer = bounded.stage.client.get(path, headers=headers)
        assert answer.headers["ratelimit-policy"] == '"requests";q=12000;w=60', path
        assert '"requests";r=11' in answer.headers["ratelimit"]
    assert '"submissions";q=300;w=60' in bounded.post(secret).headers["ratelimit-policy"]
    sent = bounded.stage.client.post("/datasets?dry_run=true", content="a,b\n1,2\n3,4\n", headers=headers)
    assert '"submissions";q=300;w=60' in sent.headers["ratelimit-policy"]


def test_without_keys_nothing_is_limited(client: Any) -> None:
    assert "ratelimit" not in client.get("/results").headers


@pytest.mark.parametrize(
    ("given", "stored"), [("5GB", 5_000_000_000), ("20 GiB", 20 * 2**30), (1_000, 1_000), (None, None)]
)
def test_bytes_are_asked_for_as_a_number_or_with_a_unit(bounded: Bounded, given: object, stored: int | None) -> None:
    made = bounded.post(
        bounded.secrets["root"],
        "/keys",
        name=f"of {given}".replace(" ", "-"),
        scope="run",
        quota={"stored_bytes": given},
    )
    assert made.status_code == 201, made.text
    assert made.json()["quota"]["stored_bytes"] == stored


@pytest.mark.parametrize("given", ["5 elephants", "5", "-1GB", "9999TiB", 1.5, 2**54])
def test_bytes_that_are_none_are_refused_by_their_name(bounded: Bounded, given: object) -> None:
    problem = told(
        bounded.post(bounded.secrets["root"], "/keys", name="x", scope="run", quota={"stored_bytes": given}), 422
    )
    (error,) = problem["errors"]
    assert (error["pointer"], error["given"]) == ("#/quota/stored_bytes", given)
    assert "stored_bytes" in error["message"] or "9007199254740992" in error["message"], error
