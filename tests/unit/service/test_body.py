"""Bodies: what is read, and what each unreadable body is told."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel, Field, TypeAdapter, ValidationInfo, field_validator
from starlette.testclient import TestClient

from service.middleware.body import json_body
from service.middleware.handlers import install_handlers
from service.pools import Pools
from service.settings import Settings

JSON = {"content-type": "application/json"}


class Thing(BaseModel):
    size: int = Field(default=1, ge=1)
    weight: float = Field(default=1.0, allow_inf_nan=False)
    things: list[int] = []

    @field_validator("size")
    @classmethod
    def _within_limits(cls, size: int, info: ValidationInfo) -> int:
        assert info.context is not None
        cap = info.context["limits"].hidden_size
        if size > cap:
            raise ValueError(f"size must be at most {cap}, not {size}.")
        return size


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.state.settings = Settings(max_hidden_size=7)
    app.state.pools = Pools()
    install_handlers(app)

    @app.post("/things")
    def make(thing: Annotated[Thing, Depends(json_body(Thing, max_values=100))]) -> dict[str, Any]:
        return thing.model_dump()

    @app.post("/defaults")
    def default(thing: Annotated[Thing, Depends(json_body(Thing, empty=b"{}"))]) -> dict[str, Any]:
        return thing.model_dump()

    @app.post("/unions")
    def union(thing: Annotated[int | str, Depends(json_body(TypeAdapter[int | str](int | str)))]) -> dict[str, Any]:
        return {"thing": thing}

    return TestClient(app)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=UTF-8",
        "application/vnd.x+json",
        "application/x-www-form-urlencoded",
    ],
)
def test_json_is_read_under_the_names_that_clients_give_it(client: TestClient, content_type: str) -> None:
    answer = client.post("/things", content=b'{"size": 3}', headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["size"]) == (200, 3)


def test_a_body_without_a_type_is_read(client: TestClient) -> None:
    assert client.post("/things", content=b'\xef\xbb\xbf{"size": 3}').json()["size"] == 3


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16"]
)
def test_other_types_are_refused(client: TestClient, content_type: str) -> None:
    answer = client.post("/things", content=b"{}", headers={"content-type": content_type})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", ["empty"]),
        (b" \n", ["empty"]),
        (b'{"size": 1,}', ["not valid JSON", "line 1 column 12"]),
        (b'{"a": "\xff"}', ["not UTF-8", "0xff", "position 7"]),
        (b"[" * 5_000, ["nested too deep"]),
        (b'{"size": ' + b"9" * 5_000 + b"}", ["number out of range"]),
        (b'{"a": "\\ud800"}', ["not valid JSON"]),
    ],
)
def test_what_is_no_json_is_a_400_that_says_where(client: TestClient, raw: bytes, words: list[str]) -> None:
    answer = client.post("/things", content=raw, headers=JSON)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(word in answer.json()["detail"] for word in words)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", '"NaN"', '"Infinity"'])
def test_numbers_that_are_not_finite_are_faults_and_not_unreadable(client: TestClient, constant: str) -> None:
    answer = client.post("/things", content=f'{{"weight": {constant}}}', headers=JSON)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["given"]) == ("#/weight", constant.strip('"'))


def test_values_are_read_strictly(client: TestClient) -> None:
    answer = client.post("/things", content=b'{"size": "3", "things": [true]}', headers=JSON)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["#/size", "#/things/0"]


def test_the_settings_caps_reach_the_types(client: TestClient) -> None:
    answer = client.post("/things", content=b'{"size": 8}', headers=JSON)
    assert answer.json()["errors"][0]["message"] == "size must be at most 7, not 8."


def test_more_values_than_can_be_told_about_are_a_413(client: TestClient) -> None:
    answer = client.post("/things", content=b'{"things": [%s]}' % b",".join([b'"x"'] * 101), headers=JSON)
    assert answer.status_code == 413
    assert "at most 100" in answer.json()["detail"]


def test_an_absent_body_may_stand_for_the_defaults(client: TestClient) -> None:
    assert client.post("/defaults").json() == {"size": 1, "weight": 1.0, "things": []}


def test_what_is_no_class_is_read_by_its_adapter(client: TestClient) -> None:
    assert client.post("/unions", content=b'"a"', headers=JSON).json() == {"thing": "a"}
    assert client.post("/unions", content=b"[]", headers=JSON).json()["errors"][0]["message"] == (
        "The body must be a whole number or a text, not a list."
    )
