"""``memspan.connect``: keys travel with every request, problems become exceptions."""

from __future__ import annotations

import json

import httpx
import pytest

import memspan
from service.client.connection import opened
from service.client.remote import Refused, RemoteService

PROBLEM = {"detail": "This needs the scope run.", "errors": [{"pointer": "#/name", "message": "It is long."}]}


def answering(status: int, body: object) -> RemoteService:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    return RemoteService(httpx.Client(base_url="http://service", transport=transport))


def test_a_key_is_shown_and_the_environments_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEMSPAN_KEY", raising=False)
    assert "authorization" not in opened("http://service").headers
    monkeypatch.setenv("MEMSPAN_KEY", " mspn_environment\n")
    assert opened("http://service").headers["authorization"] == "Bearer mspn_environment"
    assert opened("http://service", "mspn_given").headers["authorization"] == "Bearer mspn_given"
    assert "authorization" not in opened("http://service", "").headers


def test_connecting_asks_nothing_yet() -> None:
    with memspan.connect("http://127.0.0.1:1", key="mspn_x") as service:
        assert isinstance(service, RemoteService)


def test_a_problem_is_an_exception_with_its_sentences() -> None:
    with pytest.raises(Refused, match=r"This needs the scope run\.\n#/name: It is long\.") as refused:
        answering(403, PROBLEM).submit({})
    assert (refused.value.status, refused.value.document) == (403, PROBLEM)
    with pytest.raises(Refused, match=r"The service answered 502\."):
        answering(502, {}).get("/results")


def test_documents_are_dictionaries() -> None:
    assert answering(200, {"items": []}).get("/experiments", limit=1) == {"items": []}
    assert json.dumps(answering(201, {"id": "exp-1"}).submit({"tasks": []})) == '{"id": "exp-1"}'
