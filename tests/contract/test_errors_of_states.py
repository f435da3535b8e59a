"""What a state doesn't allow, and what a repeated request does: conflicts, and keys that let a deed happen once."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from service.client.stream import follow
from tests.contract.problems import field_errors, told
from tests.contract.stage import LATCH, SMALL, Stage

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2],
    "training": SMALL,
    "repeats": 1,
}


@pytest.mark.parametrize("change", ["cancel", "pause", "resume"])
def test_a_finished_experiment_stays_as_it_is(stage: Stage, finished: dict[str, Any], change: str) -> None:
    assert "succeeded" in told(stage.client.post(f"/experiments/{finished['id']}/{change}"), 409)["detail"]


@pytest.mark.parametrize("change", ["cancel", "pause", "resume"])
def test_an_unknown_experiment_can_not_change(stage: Stage, change: str) -> None:
    told(stage.client.post(f"/experiments/exp-999999/{change}"), 404)


def test_what_succeeded_is_not_retried_and_an_unknown_experiment_neither(
    stage: Stage, finished: dict[str, Any]
) -> None:
    problem = told(stage.client.post(f"/experiments/{finished['id']}/retry"), 409)
    assert problem["detail"].endswith("nothing to retry.")
    told(stage.client.post("/experiments/exp-999999/retry"), 404)
    told(stage.client.post("/experiments/exp-999999/extend", json={"repeats": 1}), 404)


def test_a_cancelled_experiment_is_retried_and_then_extended(stage: Stage) -> None:
    path = stage.submit(SPEC, seed=77)["links"]["self"]
    told(stage.client.post(f"{path}/retry"), 409)
    told(stage.client.post(f"{path}/extend", json={"repeats": 1}), 409)
    stage.client.post(f"{path}/cancel")
    told(stage.client.post(f"{path}/extend", json={"repeats": 1}), 409)
    answer = stage.client.post(f"{path}/retry")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    stage.work()
    headers = {"Idempotency-Key": "two-more"}
    first, again = (stage.client.post(f"{path}/extend", json={"repeats": 2}, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json() == again.json()
    assert first.json()["extension"]["added"] == 2
    assert first.json()["spec"]["repeats"] == 3
    stage.work()
    done = stage.client.get(path).json()
    assert (done["state"], done["runs"]["succeeded"], done["progress"]["total"]) == ("succeeded", 3, 6)
    assert stage.client.get(done["links"]["results"]).json()["conditions"][0]["runs"]["succeeded"] == 3


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"repeats": 1, "epochs": 1}, "#"),
        ({"repeats": 0}, "#/repeats"),
        ({"repeats": 100_000}, "#/repeats"),
        ({"epochs": 1_000_000}, "#/epochs"),
        ({"lengths": 1}, "#/lengths"),
    ],
)
def test_an_extension_names_what_is_wrong_with_it(
    stage: Stage, finished: dict[str, Any], body: dict[str, Any], pointer: str
) -> None:
    answer = stage.client.post(f"/experiments/{finished['id']}/extend", json=body)
    assert pointer in field_errors(answer), answer.text


def test_a_part_of_a_study_is_not_extended(stage: Stage, tiny_study: None) -> None:
    kind = stage.client.get("/studies").json()["items"][0]["kind"]
    started = stage.client.post(f"/studies/{kind}/experiments", json={"scale": "quick"}).json()["items"][0]
    stage.work()
    problem = told(stage.client.post(f"{started['links']['self']}/extend", json={"repeats": 1}), 409)
    assert f"part of the study {kind}" in problem["detail"]


def test_cancelling_twice_is_cancelling_once(stage: Stage) -> None:
    path = stage.submit(SPEC)["links"]["self"]
    first, second = stage.client.post(f"{path}/cancel"), stage.client.post(f"{path}/cancel")
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["state"] == second.json()["state"] == "cancelled"
    told(stage.client.post(f"{path}/resume"), 409)


def test_asking_for_the_state_it_is_in_changes_nothing(stage: Stage) -> None:
    path = stage.submit(SPEC)["links"]["self"]
    answers = [stage.client.post(f"{path}/{verb}") for verb in ("resume", "pause", "pause", "resume", "resume")]
    assert [answer.status_code for answer in answers] == [200, 202, 200, 202, 200]
    assert [answer.json()["state"] for answer in answers] == ["queued", "paused", "paused", "queued", "queued"]
    stage.client.post(f"{path}/cancel")


def test_an_active_experiment_is_not_deleted(stage: Stage) -> None:
    path = stage.submit(SPEC)["links"]["self"]
    before = stage.rows()
    told(stage.client.delete(path), 409)
    told(stage.client.delete(f"{path}?dry_run=true"), 409)
    assert stage.rows() == before
    stage.client.post(f"{path}/cancel")


def test_deleting_is_for_good(stage: Stage) -> None:
    before = stage.rows()
    done = stage.finish(LATCH, name="to be deleted", seed=7)
    would_free = stage.client.delete(f"{done['links']['self']}?dry_run=true").json()
    assert set(would_free) == {"rows", "bytes"}
    assert min(would_free.values()) > 0
    assert stage.client.get(done["links"]["self"]).status_code == 200, "a dry run deletes nothing"
    assert stage.client.delete(done["links"]["self"]).status_code == 204
    told(stage.client.get(done["links"]["self"]), 404)
    told(stage.client.delete(done["links"]["self"]), 404)
    assert stage.rows() == before


@pytest.mark.parametrize("value", ["maybe", "", "2"])
def test_a_dry_run_that_may_be_none_is_refused(stage: Stage, finished: dict[str, Any], value: str) -> None:
    assert field_errors(stage.client.delete(f"{finished['links']['self']}?dry_run={value}")) == {
        "?dry_run": "wrong_type"
    }
    assert field_errors(stage.client.post(f"/experiments?dry_run={value}", json=SPEC)) == {"?dry_run": "wrong_type"}


def keyed(stage: Stage, key: str, **fields: Any) -> httpx.Response:
    return stage.client.post("/experiments", json=SPEC | fields, headers={"Idempotency-Key": key.encode()})


def test_a_key_lets_an_experiment_be_made_once(stage: Stage) -> None:
    first = keyed(stage, "once")
    before = stage.rows()
    second = keyed(stage, "once")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert stage.rows() == before


def test_a_key_belongs_to_one_request(stage: Stage) -> None:
    keyed(stage, "mine")
    before = stage.rows()
    assert field_errors(keyed(stage, "mine", repeats=2)) == {"Idempotency-Key": "key_reused"}
    other = stage.client.post("/experiments?dry_run=true", json=SPEC, headers={"Idempotency-Key": "mine"})
    assert field_errors(other) == {"Idempotency-Key": "key_reused"}
    assert stage.rows() == before


def test_a_refused_request_is_refused_again_in_the_same_words(stage: Stage) -> None:
    first, second = keyed(stage, "wrong", repeats=0), keyed(stage, "wrong", repeats=0)
    assert field_errors(first) == {"#/repeats": "out_of_range"}
    assert second.headers["idempotency-replayed"] == "true"
    assert first.content == second.content


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "\t", "ключ"])
def test_a_key_that_is_none_is_named(stage: Stage, key: str) -> None:
    before = stage.rows()
    assert field_errors(keyed(stage, key), 400) == {"Idempotency-Key": "wrong_form"}
    assert stage.rows() == before


def test_requests_at_once_with_one_key_make_one_experiment(stage: Stage) -> None:
    before = stage.rows()["experiments"]
    answers: list[httpx.Response] = []
    barrier = threading.Barrier(8)

    def post() -> None:
        barrier.wait()
        answers.append(keyed(stage, "at-once"))

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = {answer.headers["location"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 409)
    assert stage.rows()["experiments"] == before + 1


def test_who_follows_from_the_beginning_hears_what_came_behind_an_earlier_end(stage: Stage) -> None:
    posted = stage.submit(SPEC, seed=78)
    path = posted["links"]["self"]
    stage.client.post(f"{path}/cancel")
    stage.client.post(f"{path}/retry")
    stage.work()
    heard = list(follow(stage.client, posted["links"]["events"]))
    assert [event.data["state"] for event in heard if event.type == "state"] == [
        "queued",
        "cancelled",
        "queued",
        "running",
        "succeeded",
    ]
