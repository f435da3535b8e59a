"""The page of the API: every operation, command lines that work, nothing from elsewhere."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.schemas.description import operations


@pytest.fixture(scope="module")
def page(client: TestClient) -> str:
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    return str(answer.text)


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


@pytest.fixture(scope="module")
def commands(page: str) -> list[list[str]]:
    """The command lines of the page as a shell would split them."""
    return [shlex.split(unescape(text)) for text in re.findall(r"<code>(curl .*?)</code>", page, re.DOTALL)]


def test_every_operation_is_shown_with_its_path_and_statuses(page: str, document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        article = page[page.index(f'id="{operation["operationId"]}"') :].partition("</article>")[0]
        assert f"<code>{path}</code>" in article
        assert operation["summary"] in unescape(article)
        assert all(f"<dt>{status}</dt>" in article for status in operation["responses"])
        assert all(f"<code>{each['name']}</code>" in article for each in operation.get("parameters", []))


def test_every_link_within_the_page_leads_somewhere(page: str) -> None:
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    assert len(re.findall(r'id="([^"]+)"', page)) == len(anchors)


def test_the_page_takes_nothing_from_elsewhere(client: TestClient, page: str) -> None:
    sources = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert all(source.startswith("/") for source in sources)
    assert all(client.get(source).status_code == 200 for source in set(sources))
    assert "<style" not in page
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert client.get("/docs").headers["content-security-policy"].startswith("default-src 'none'")


def test_every_command_line_asks_this_host_for_an_operation(
    commands: list[list[str]], document: dict[str, Any], client: TestClient
) -> None:
    assert len(commands) >= len(list(operations(document)))
    for command in commands:
        url = next(word for word in command if word.startswith("http"))
        assert url.startswith("http://localhost/")
        method = command[command.index("-X") + 1] if "-X" in command else "POST" if "-d" in command else "GET"
        assert any(
            method.lower() == known
            and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), url.removeprefix("http://localhost"))
            for path, known, _ in operations(document)
        )


def test_every_body_of_a_command_line_is_json(commands: list[list[str]]) -> None:
    bodies = [command[command.index("-d") + 1] for command in commands if "-d" in command]
    assert len(bodies) >= 5
    assert all(json.loads(body) for body in bodies)


def test_the_dashboard_links_to_the_page(client: TestClient) -> None:
    assert 'href="/docs"' in client.get("/results", headers={"Accept": "text/html"}).text


def test_the_page_asks_the_host_that_it_was_asked_under(client: TestClient) -> None:
    assert "curl http://127.0.0.1:9000/experiments" in client.get("/docs", headers={"Host": "127.0.0.1:9000"}).text
