"""Request meter: by the route's template, whatever clients invent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient

from service.meters import Meters
from service.middleware.head import Head
from service.middleware.request_meter import RequestMeter


class Hands:
    """A clock that moves on by a second at each look."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        self.at += 1
        return self.at


@pytest.fixture
def meters() -> Meters:
    return Meters()


@pytest.fixture
def client(meters: Meters) -> TestClient:
    app = FastAPI()

    @app.get("/things/{id}")
    def thing(id: int) -> int:
        if id == 404:
            raise HTTPException(404)
        return 1 // id

    @app.get("/events")
    async def events() -> StreamingResponse:
        async def endless() -> AsyncIterator[str]:
            for _ in range(3):
                yield "data: x\n\n"

        return StreamingResponse(endless(), media_type="text/event-stream")

    app.add_middleware(Head)
    app.add_middleware(RequestMeter, meters=meters, clock=Hands())
    return TestClient(app, raise_server_exceptions=False)


def told(meters: Meters, name: str) -> Mapping[tuple[str, ...], float]:
    """The samples of a name by their labels' values."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in meters.registry.collect()
        for sample in family.samples
        if sample.name == name
    }


def test_requests_are_counted_by_template_method_and_status(client: TestClient, meters: Meters) -> None:
    for path in ("/things/1", "/things/2", "/things/404", "/things/0", "/nowhere", "/else"):
        client.get(path)
    client.head("/things/1")
    assert told(meters, "memspan_http_requests_total") == {
        ("GET", "/things/{id}", "200"): 2,
        ("GET", "/things/{id}", "404"): 1,
        ("GET", "/things/{id}", "500"): 1,
        ("GET", "none", "404"): 2,
        ("HEAD", "/things/{id}", "200"): 1,
    }


def test_seconds_last_from_the_first_byte_to_the_end_of_the_answer(client: TestClient, meters: Meters) -> None:
    client.get("/things/1")
    assert told(meters, "memspan_http_request_duration_seconds_sum") == {("GET", "/things/{id}"): 1.0}


def test_a_stream_of_events_is_counted_once_when_it_begins(client: TestClient, meters: Meters) -> None:
    assert client.get("/events").text.count("data") == 3
    assert told(meters, "memspan_http_requests_total") == {("GET", "/events", "200"): 1}
    assert told(meters, "memspan_http_request_duration_seconds_count") == {("GET", "/events"): 1}


def test_methods_that_a_client_invents_make_no_series_of_their_own(client: TestClient, meters: Meters) -> None:
    for number in range(30):
        client.request(f"INVENTED{number}", "/things/1")
    methods: set[Any] = {method for method, _, _ in told(meters, "memspan_http_requests_total")}
    assert methods == {"other"}


def test_nothing_is_in_progress_once_all_is_answered(client: TestClient, meters: Meters) -> None:
    client.get("/things/1")
    client.get("/things/0")
    assert told(meters, "memspan_http_requests_in_progress") == {(): 0}
