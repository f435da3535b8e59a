"""Idempotency: a keyed POST happens once, and its repetitions get the same answer."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request, Response
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from service.middleware.handlers import install_handlers
from service.middleware.idempotency import (
    MOST_KEPT_BYTES,
    Began,
    Idempotency,
    Mismatch,
    Replay,
    Running,
    StoredHeaders,
    Unkept,
    fingerprint,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryLedger:
    """A ledger of one process: what the database's does, in a dictionary."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: dict[str, tuple[str, datetime, Replay | Unkept | None]] = {}

    def begin(self, key: str, fingerprint: str, now: datetime) -> Began | Replay | Unkept | Running | Mismatch:
        with self.lock:
            if key not in self.entries:
                self.entries[key] = (fingerprint, now, None)
                return Began()
            known, _, answer = self.entries[key]
            return Mismatch() if known != fingerprint else answer or Running()

    def finish(self, key: str, status: int, headers: StoredHeaders, body: bytes | None) -> None:
        with self.lock:
            known, since, _ = self.entries[key]
            kept = Unkept(dict(headers).get("location")) if body is None else Replay(status, headers, body)
            self.entries[key] = (known, since, kept)

    def abandon(self, key: str) -> None:
        with self.lock:
            if key in self.entries and self.entries[key][2] is None:
                del self.entries[key]


class FullLedger(MemoryLedger):
    """A ledger whose disk is full once the deed is done."""

    def finish(self, key: str, status: int, headers: StoredHeaders, body: bytes | None) -> None:
        raise OSError("no space left")


class Service:
    """An application that counts its deeds."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.ledger = ledger
        self.deeds: list[Any] = []
        self.keys: list[str | None] = []
        app = FastAPI()
        install_handlers(app)
        app.add_middleware(Idempotency, ledger=ledger, clock=lambda: NOW)
        app.add_api_route("/things", self.make, methods=["POST", "PUT"], status_code=201)
        app.add_api_route("/status/{status}", self.fail, methods=["POST"])
        app.add_api_route("/crash", self.crash, methods=["POST"])
        app.add_api_route("/login", self.login, methods=["POST"])
        app.add_api_route("/large", self.large, methods=["POST"])
        app.add_api_route("/checkpoints/{id}/predictions", self.compute, methods=["POST"])
        app.add_api_route("/nested", self.nested, methods=["POST"])
        self.client = TestClient(app, raise_server_exceptions=False)

    async def make(self, request: Request, response: Response) -> dict[str, Any]:
        self.deeds.append(await request.json())
        self.keys.append(getattr(request.state, "idempotency_key", None))
        response.headers["Location"] = f"/things/{len(self.deeds)}"
        return {"id": len(self.deeds)}

    def fail(self, status: int) -> None:
        self.deeds.append(status)
        raise HTTPException(status)

    def crash(self) -> None:
        self.deeds.append("crash")
        raise RuntimeError("broken")

    def login(self, response: Response) -> None:
        self.deeds.append("login")
        response.set_cookie("session", "secret")

    def large(self, place: str | None = None) -> Response:
        """An answer above what is kept."""
        self.deeds.append("large")
        headers = {} if place is None else {"Location": place}
        return Response(b"x" * (MOST_KEPT_BYTES + 1), status_code=201, headers=headers)

    def compute(self, id: int) -> Response:
        self.deeds.append(id)
        return Response(b"0." * MOST_KEPT_BYTES, status_code=id)

    def nested(self) -> int:
        """Repeat the running request from within it."""
        answer = self.client.post("/nested", headers={"Idempotency-Key": "same"})
        assert answer.headers["Retry-After"] == "1"
        return int(answer.status_code)

    def post(self, path: str = "/things", body: Any = "a", key: str | None = "key-1", **extra: Any) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.client.post(path, json=body, headers=headers, **extra)


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Any]]:
    """What is logged meanwhile, kept off the screen."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def service() -> Service:
    return Service(MemoryLedger())


def test_the_same_request_twice_happens_once_and_gets_the_same_answer(service: Service) -> None:
    first, second = service.post(), service.post()
    assert service.deeds == ["a"]
    assert (first.status_code, first.content) == (second.status_code, second.content) == (201, b'{"id":1}')
    assert second.headers["Location"] == "/things/1"
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["content-type"] == "application/json"
    assert "Idempotency-Replayed" not in first.headers


def test_without_a_key_each_request_happens(service: Service) -> None:
    service.post(key=None)
    service.post(key=None)
    assert len(service.deeds) == 2


def test_other_methods_ignore_the_key(service: Service) -> None:
    for _ in range(2):
        assert service.client.put("/things", json=1, headers={"Idempotency-Key": "k"}).status_code == 201
    assert len(service.deeds) == 2


def test_the_routes_know_the_key(service: Service) -> None:
    service.post(key="key-1")
    service.post(key=None)
    assert service.keys == ["key-1", None]


def test_a_key_of_another_request_is_refused(service: Service) -> None:
    service.post(body="a")
    for answer in (service.post(body="b"), service.post("/things?dry_run=true", body="a"), service.post("/crash", "a")):
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "Idempotency-Key"
    assert service.deeds == ["a"]


def test_a_request_still_running_is_a_conflict_that_says_when_to_ask_again(service: Service) -> None:
    assert service.client.post("/nested", headers={"Idempotency-Key": "same"}).json() == 409


def test_the_quotes_of_the_draft_are_optional(service: Service) -> None:
    service.post(key='"key-1"')
    assert service.post(key="key-1").headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", '""', "two words", "x" * 256, "tab\there"])
def test_what_is_no_key_is_a_bad_request(service: Service, key: str) -> None:
    answer = service.post(key=key)
    assert answer.status_code == 400
    assert "255" in answer.json()["detail"]
    assert service.deeds == []


def test_the_longest_key_is_one(service: Service) -> None:
    assert service.post(key="x" * 255).status_code == 201


def test_two_keys_are_none(service: Service) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert service.client.post("/things", json=1, headers=headers).status_code == 400


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_refusal_is_an_answer_to_repeat(service: Service, status: int) -> None:
    assert [service.post(f"/status/{status}").status_code for _ in range(2)] == [status, status]
    assert service.deeds == [status]


@pytest.mark.parametrize("status", [401, 403, 413, 429, 500, 503])
def test_what_was_about_the_moment_is_tried_again(service: Service, status: int) -> None:
    assert [service.post(f"/status/{status}").status_code for _ in range(2)] == [status, status]
    assert service.deeds == [status, status]


def test_a_crash_gives_the_key_back(service: Service) -> None:
    assert [service.post("/crash").status_code for _ in range(2)] == [500, 500]
    assert service.deeds == ["crash", "crash"]


def test_cookies_are_never_stored(service: Service) -> None:
    service.post("/login")
    service.post("/login")
    assert service.deeds == ["login", "login"]


def test_a_failing_ledger_after_the_deed_does_not_hide_the_answer() -> None:
    service = Service(FullLedger())
    assert service.post().status_code == 201


def test_fingerprints_cannot_be_shifted_between_parts() -> None:
    def of(path: str, query: bytes, body: bytes) -> str:
        return fingerprint({"method": "POST", "path": path, "query_string": query}, body)

    prints = {of("/a", b"b", b"c"), of("/ab", b"", b"c"), of("/a", b"", b"bc"), of("/a", b"bc", b"")}
    assert len(prints) == 4


def test_a_large_answer_is_not_kept_and_its_repetition_is_led_to_what_was_made() -> None:
    service = Service(MemoryLedger())
    assert service.post("/large?place=/things/1").status_code == 201
    again = service.post("/large?place=/things/1", follow_redirects=False)
    assert (again.status_code, again.headers["Location"]) == (303, "/things/1")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert service.deeds == ["large"]


def test_a_large_answer_that_says_no_place_is_told_to_be_gone() -> None:
    service = Service(MemoryLedger())
    service.post("/large")
    again = service.post("/large")
    assert again.status_code == 409
    assert str(MOST_KEPT_BYTES) in again.json()["detail"]
    assert service.deeds == ["large"]


def test_what_only_computes_is_computed_again_and_never_kept() -> None:
    service = Service(MemoryLedger())
    first, again = (service.post("/checkpoints/200/predictions") for _ in range(2))
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert service.deeds == [200, 200]
    assert [entry[2] for entry in service.ledger.entries.values()] == [Unkept()]
    assert service.post("/checkpoints/200/predictions", body="b").status_code == 422


def test_a_computation_that_failed_leaves_its_key_free() -> None:
    service = Service(MemoryLedger())
    assert service.post("/checkpoints/503/predictions").status_code == 503
    assert not service.ledger.entries
