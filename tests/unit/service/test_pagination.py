"""Pagination: opaque cursors, the way to the next page, public ids."""

import base64
import contextlib
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.errors import BadRequest, NotFound
from service.middleware.handlers import install_handlers
from service.pagination import (
    MAX_KEY,
    Page,
    PageQuery,
    decode_cursor,
    encode_cursor,
    page,
    page_query,
    parse_key,
    public_id,
)

ROWS = range(1, 8)


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_handlers(app)

    @app.get("/rows", response_model=Page[int])
    def rows(query: Annotated[PageQuery, Depends(page_query)], request: Request, response: Response) -> dict[str, Any]:
        left = [row for row in ROWS if row > (query.after or 0)]
        items = left[: query.limit]
        return page(items, items[-1] if len(left) > query.limit else None, request, response)

    return TestClient(app)


def test_following_the_links_shows_every_row_once(client: TestClient) -> None:
    seen: list[int] = []
    url: str | None = "/rows?limit=3&label=a%26b%3E"
    while url is not None:
        answer = client.get(url)
        seen += answer.json()["items"]
        following = answer.links.get("next")
        url = following["url"] if following else None
        assert (answer.json()["next_cursor"] is None) == (url is None)
        assert url is None or "label=a%26b%3E" in url
    assert seen == list(ROWS)


def test_a_page_has_fifty_rows_unless_asked(client: TestClient) -> None:
    assert client.get("/rows").json() == {"items": list(ROWS), "next_cursor": None}
    assert page_query().limit == 50


@pytest.mark.parametrize("limit", ["0", "501", "x", "-1", "1.5"])
def test_a_limit_out_of_range_is_a_fault_of_limit(client: TestClient, limit: str) -> None:
    answer = client.get("/rows", params={"limit": limit})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?limit")


def of(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "é",
        "abcde",
        of(b"\xff"),
        of(b"[1]"),
        of(b"{}"),
        of(b'{"k":"1"}'),
        of(b'{"k":true}'),
        of(b'{"k":1.0}'),
        of(b'{"k":NaN}'),
        of(b'{"k":9223372036854775808}'),
        of(b'{"k":' + b"9" * 5_000 + b"}"),
        of(b'{"k":1,"j":2}'),
        of(b"[" * 100_000),
    ],
)
def test_a_forged_cursor_is_a_bad_request_that_names_it(client: TestClient, cursor: str) -> None:
    answer = client.get("/rows", params={"cursor": cursor[:60_000]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "?cursor"


def test_texts_in_a_cursor_must_be_storable() -> None:
    assert decode_cursor(encode_cursor({"name": "é"}), {"name": str}) == {"name": "é"}
    for text in (b'{"name":"\\ud800"}', b'{"name":"\\u0000"}', b'{"name":1}'):
        with pytest.raises(BadRequest):
            decode_cursor(of(text), {"name": str})


@given(st.integers(min_value=-MAX_KEY, max_value=MAX_KEY))
def test_a_cursor_comes_back_as_it_was(key: int) -> None:
    cursor = encode_cursor({"k": key})
    assert decode_cursor(cursor, {"k": int}) == {"k": key}
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_any_text_is_a_cursor_or_a_bad_request(text: str) -> None:
    with contextlib.suppress(BadRequest):
        assert isinstance(decode_cursor(text, {"k": int})["k"], int)


@given(st.integers(min_value=1, max_value=MAX_KEY))
def test_a_public_id_names_its_key(key: int) -> None:
    assert parse_key("exp", public_id("exp", key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "exp",
        "exp-",
        "exp-0",
        "exp--1",
        "exp-01",
        "run-1",
        "exp-1 ",
        "exp-1\n",
        "exp-٣",
        "exp-9223372036854775808",
        "EXP-1",
    ],
)
def test_what_no_row_can_be_called_is_not_found(text: str) -> None:
    with pytest.raises(NotFound, match="exp-12"):
        parse_key("exp", text)
