"""Requests that can't be read, that name what isn't there, or that ask the wrong way: a problem each, never a 5xx."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.contract.problems import field_errors, told
from tests.contract.stage import SMALL, Stage

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2],
    "training": SMALL,
    "repeats": 1,
}
SOUND = json.dumps(SPEC)
MEBIBYTE = 1024 * 1024

UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "only spaces": b" \n\t",
    "half a document": b"{",
    "single quotes": b"{'tasks': []}",
    "two documents": b"{}{}",
    "a trailing comma": b'{"tasks": [],}',
    "Latin-1": b'{"name": "\xff"}',
    "UTF-16": SOUND.encode("utf-16"),
    "half a character": b'{"name": "\xe2\x82"}',
    "a surrogate encoded": b'{"name": "\xed\xa0\x80"}',
    "a lone surrogate escaped": b'{"name": "a\\ud800b"}',
    "a raw null character": b'{"name": "a\0b"}',
    "brackets without end": b"[" * 100_000,
    "deep nesting": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"tasks":' * 5_000 + b"1" + b"}" * 5_000,
}
POSTS = ["/experiments", "/tasks/latch/samples", "/studies/latch/experiments"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=list(UNREADABLE))
def test_a_body_that_is_no_json_is_a_400(client: TestClient, path: str, body: bytes) -> None:
    if path.endswith("samples") and body == b"":
        assert client.post(path, content=body).status_code == 200, "every field of it has a default"
    else:
        told(client.post(path, content=body), 400)


@pytest.mark.parametrize("filling", [b" " * 30 * MEBIBYTE, b'{"name": "' + b"x" * 30 * MEBIBYTE + b'"}'])
def test_a_body_of_thirty_megabytes_is_a_413_that_names_the_cap(client: TestClient, filling: bytes) -> None:
    assert str(16 * MEBIBYTE) in told(client.post("/experiments", content=filling), 413)["detail"]


def test_a_body_of_unannounced_length_is_cut_off_at_the_cap(client: TestClient) -> None:
    answer = client.post("/experiments", content=(b" " * MEBIBYTE for _ in range(30)))
    assert str(16 * MEBIBYTE) in told(answer, 413)["detail"]


def test_a_body_of_too_many_values_is_a_413_that_names_the_cap(client: TestClient) -> None:
    answer = client.post("/experiments", content=b"[" + b"1," * 200_000 + b"1]")
    assert "100000" in told(answer, 413)["detail"]


@pytest.mark.parametrize("kind", ["text/xml", "application/json; charset=latin-1", "garbage", "multipart/form-data"])
def test_another_content_type_is_a_415_that_names_the_right_one(client: TestClient, kind: str) -> None:
    answer = client.post("/experiments", content=SOUND, headers={"Content-Type": kind})
    assert "application/json" in told(answer, 415)["detail"]
    assert answer.headers["accept"] == "application/json"


UNKNOWN = [
    "/experiments/exp-999999",
    "/experiments/exp-999999/runs",
    "/experiments/exp-999999/events",
    "/runs/run-999999",
    "/runs/run-999999/metrics",
    "/checkpoints/ckpt-999999",
    "/checkpoints/ckpt-999999/weights",
    "/probes/probe-999999",
    "/results/exp-999999",
    "/results/exp-999999?format=csv",
    "/results/exp-999999/figures/score",
    "/results/exp-999999/figures/score.png",
    "/tasks/nope",
    "/models/nope",
    "/probe-kinds/nope",
    "/studies/nope",
    "/studies/latch?group=group-999999",
    "/studies/latch?group=exp-1",
    "/studies/latch?group=",
    "/nowhere",
    "/static/nope.css",
    "/static/..%2f..%2fapp.py",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_what_is_not_there_is_a_404(client: TestClient, path: str) -> None:
    told(client.get(path), 404)


IDS = ["0", "-1", "1e3", "99999999999999999999", "9223372036854775807", "9223372036854775808", "%00", "1%00", "%D9%A1"]
PLACES = ["/experiments/exp-{}", "/runs/run-{}", "/checkpoints/ckpt-{}", "/probes/probe-{}", "/results/exp-{}"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", IDS)
def test_an_absurd_id_is_a_404(client: TestClient, place: str, number: str) -> None:
    told(client.get(place.format(number)), 404)


@pytest.mark.parametrize("name", ["run-1", "x", "%ff", "exp-1/../x", "EXP-1", " exp-1"])
def test_a_thing_of_another_kind_is_no_experiment(client: TestClient, name: str) -> None:
    told(client.get(f"/experiments/{name}"), 404)


@pytest.mark.parametrize("path", ["/experiments", "/results", "/probes"])
@pytest.mark.parametrize(
    ("query", "code"),
    [("0", "too_small"), ("501", "too_large"), ("abc", "wrong_type"), ("1.5", "wrong_type"), ("", "wrong_type")],
)
def test_a_limit_that_is_none_is_named(client: TestClient, path: str, query: str, code: str) -> None:
    assert field_errors(client.get(f"{path}?limit={query}")) == {"?limit": code}


@pytest.mark.parametrize(
    "cursor", ["", "abc", "%00", "e30", "W10", "eyJrIjoxLjV9", "eyJrIjoxMDAwMDAwMDAwMDAwMDAwMDAwMDB9"]
)
def test_a_cursor_that_no_list_gave_is_named(client: TestClient, cursor: str) -> None:
    assert field_errors(client.get(f"/experiments?cursor={cursor}"), 400) == {"?cursor": "wrong_form"}


WRONG_QUERIES = [
    ("/experiments?state=nope", 422, {"?state": "not_allowed"}),
    ("/experiments?q=%00", 400, {"?q": "control_character"}),
    ("/results?label=%00", 400, {"?label": "control_character"}),
    (f"/experiments?q={'x' * 201}", 422, {"?q": "too_long"}),
    ("/experiments?state=nope&limit=0", 422, {"?state": "not_allowed", "?limit": "too_small"}),
    ("/probes?kind=%00", 422, {"?kind": "wrong_form"}),
]


@pytest.mark.parametrize(("path", "status", "expected"), WRONG_QUERIES, ids=[path[:30] for path, *_ in WRONG_QUERIES])
def test_a_wrong_query_is_named(client: TestClient, path: str, status: int, expected: dict[str, str]) -> None:
    assert field_errors(client.get(path), status) == expected


@pytest.mark.parametrize("last", ["x", "-1", "9" * 30, str(2**63), "1.0"])
def test_a_last_event_id_that_is_none_is_named(client: TestClient, finished: dict[str, Any], last: str) -> None:
    answer = client.get(finished["links"]["events"], headers={"Last-Event-ID": last, "Accept": "application/json"})
    assert field_errors(answer, 400) == {"Last-Event-ID": "wrong_form"}


WRONG_METHODS = [
    ("PUT", "/experiments", {"GET", "HEAD", "POST"}),
    ("PATCH", "/results", {"GET", "HEAD"}),
    ("POST", "/health/live", {"GET", "HEAD"}),
    ("GET", "/checkpoints/ckpt-1/predictions", {"POST"}),
    ("DELETE", "/tasks/latch", {"GET", "HEAD"}),
    ("POST", "/studies/latch", {"GET", "HEAD"}),
    ("GET", "/studies/latch/experiments", {"POST"}),
    ("FOO", "/openapi.json", {"GET", "HEAD"}),
]


@pytest.mark.parametrize(("method", "path", "allowed"), WRONG_METHODS)
def test_a_wrong_method_is_a_405_that_names_all_the_right_ones(
    client: TestClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.request(method, path)
    told(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("name", ["nope", "score.gif", "score.", "score.png.png", "score%00", ".png"])
def test_an_unknown_figure_is_a_404_that_names_the_known(
    client: TestClient, finished: dict[str, Any], name: str
) -> None:
    assert "score" in told(client.get(f"/results/{finished['id']}/figures/{name}"), 404)["detail"]


def test_an_unknown_theme_or_format_is_named(client: TestClient, finished: dict[str, Any]) -> None:
    path = finished["links"]["results"]
    assert field_errors(client.get(f"{path}/figures/score?theme=pink")) == {"?theme": "not_allowed"}
    assert field_errors(client.get(f"{path}?format=xml")) == {"?format": "not_allowed"}


@pytest.mark.parametrize("path", ["/experiments", "/results", "/probes", "/runs/run-1", "/tasks", "/studies/latch"])
def test_an_unknown_parameter_is_named_and_not_ignored(client: TestClient, path: str) -> None:
    assert field_errors(client.get(f"{path}?staet=failed")) == {"?staet": "unknown"}


def test_a_misspelt_dry_run_starts_nothing(client: TestClient) -> None:
    answer = client.post("/studies/latch/experiments?dryrun=true", json={"scale": "quick"})
    assert "is dry_run meant?" in told(answer, 422)["detail"]
    assert client.get("/experiments?study=latch").json()["items"] == []


def test_monitors_may_ask_with_parameters_of_their_own(client: TestClient) -> None:
    assert client.get("/health/live?probe=7").status_code == 200


def test_a_foreign_host_is_a_421_and_a_foreign_page_a_403(client: TestClient) -> None:
    told(client.get("/results", headers={"Host": "evil.example"}), 421)
    told(client.post("/experiments", content=SOUND, headers={"Origin": "http://evil.example"}), 403)


def test_the_samples_of_a_task_name_all_that_is_wrong(client: TestClient) -> None:
    wrong = {"task": {"noise": -1, "foo": 1}, "length": 10**9, "count": 0, "seed": -1}
    assert field_errors(client.post("/tasks/latch/samples", json=wrong)) == {
        "#/task/noise": "too_small",
        "#/task/foo": "unknown_field",
        "#/length": "out_of_range",
        "#/count": "too_small",
        "#/seed": "too_small",
    }
    assert field_errors(client.post("/tasks/latch/samples", json={"length": 1})) == {"#/length": "out_of_range"}
    assert field_errors(client.post("/tasks/latch/samples", json={"length": 10_000, "count": 100})) == {
        "#/count": "too_large"
    }
    told(client.post("/tasks/nope/samples", json={}), 404)


WRONG_STARTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no scale": ({}, {"#/scale": "missing"}),
    "another scale": ({"scale": "huge"}, {"#/scale": "not_allowed"}),
    "a scale of other studies": ({"scale": "published"}, {"#/scale": "not_allowed"}),
    "no word": ({"scale": 1}, {"#/scale": "not_allowed"}),
    "a wrong seed and more": (
        {"scale": "quick", "seed": -1, "epochs": 3},
        {"#/seed": "too_small", "#/epochs": "unknown_field"},
    ),
    "a seed that is none": ({"scale": "quick", "seed": "x"}, {"#/seed": "wrong_type"}),
}


@pytest.mark.parametrize(("body", "expected"), WRONG_STARTS.values(), ids=list(WRONG_STARTS))
def test_a_study_started_wrongly_names_all_that_is_wrong(
    stage: Stage, body: dict[str, Any], expected: dict[str, str]
) -> None:
    before = stage.rows()
    for path in ("/studies/latch/experiments", "/studies/latch/experiments?dry_run=true"):
        assert field_errors(stage.client.post(path, json=body)) == expected
    told(stage.client.post("/studies/nope/experiments", json={"scale": "quick"}), 404)
    assert stage.rows() == before


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_published_sizes_without_a_gpu_are_refused_with_what_they_would_take(stage: Stage, query: str) -> None:
    before = stage.rows()
    answer = stage.client.post(f"/studies/recall/experiments{query}", json={"scale": "published"})
    assert answer.status_code == 422
    first, *rest = answer.json()["errors"]
    assert (first["pointer"], first["code"], first["given"]) == ("#/scale", "no_gpu_worker", "published")
    assert re.search(
        r"no GPU worker was heard of .* Its 1088 runs take one with \d+\.\d GiB of memory", first["message"]
    )
    assert {(each["pointer"], each["code"]) for each in rest} == {("#/scale", "does_not_fit")}
    assert all("numbers; at most 500000000 are allowed" in each["message"] for each in rest)
    assert stage.rows() == before


def test_nothing_of_all_this_is_stored(stage: Stage) -> None:
    before = stage.rows()
    for body in UNREADABLE.values():
        stage.client.post("/experiments", content=body)
    assert stage.rows() == before


FORM = "application/x-www-form-urlencoded"
OWN = {"Origin": "http://localhost"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": FORM}, 201),
        ({}, 201),
        ({"Content-Type": "application/json", **OWN}, 201),
        ({"Content-Type": "application/json", **OWN, "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Content-Type": FORM, "Sec-Fetch-Site": "none"}, 201),
        ({"Content-Type": FORM, **OWN}, 415),
        ({**OWN}, 415),
        ({"Content-Type": "text/plain", **OWN}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": FORM, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": FORM, "Origin": "null"}, 403),
    ],
)
def test_only_json_of_our_own_pages_and_bodies_of_programs_are_taken(
    stage: Stage, headers: dict[str, str], status: int
) -> None:
    before = stage.rows()["experiments"]
    answer = stage.client.post("/experiments", content=SOUND, headers=headers)
    assert answer.status_code == status, answer.text
    assert stage.rows()["experiments"] == before + (status == 201)
    if status == 201:
        stage.client.post(answer.json()["links"]["self"] + "/cancel")


def test_a_request_without_a_body_needs_no_type_even_of_a_page(client: TestClient) -> None:
    assert client.post("/tasks/latch/samples", headers=OWN).status_code == 200
