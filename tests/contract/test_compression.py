"""What travels is small: text by gzip, files of the dashboard once."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br"}
PLAIN = {"Accept-Encoding": "identity"}
TEXTS = (
    "/results",
    "/results/{id}",
    "/experiments/{id}",
    "/results/{id}?format=csv",
    "/openapi.json",
    "/studies",
    "/models",
)


@pytest.mark.parametrize("path", TEXTS)
def test_text_goes_by_gzip_to_whoever_takes_it_and_says_the_same(
    client: TestClient, finished: dict[str, Any], path: str
) -> None:
    path = path.format(id=finished["id"])
    small, plain = client.get(path, headers=BROWSER), client.get(path, headers=BROWSER | PLAIN)
    assert small.status_code == plain.status_code == 200
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert all("accept-encoding" in answer.headers["vary"].lower() for answer in (small, plain))
    assert re.sub(r"\d+ s", "", small.text) == re.sub(r"\d+ s", "", plain.text)
    with client.stream("GET", path, headers=BROWSER) as answer:
        sent = b"".join(answer.iter_raw())
    assert len(sent) < 0.6 * len(plain.content)
    assert gzip.decompress(sent)


def test_an_event_stream_weights_and_parts_of_them_go_as_they_are(client: TestClient, finished: dict[str, Any]) -> None:
    run = client.get(finished["links"]["runs"]).json()["items"][0]["id"]
    checkpoint = client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
    weights = f"/checkpoints/{checkpoint}/weights"
    for path, more in ((finished["links"]["events"], {}), (weights, {}), (weights, {"Range": "bytes=0-2000"})):
        answer = client.get(path, headers={"Accept-Encoding": "gzip", **more})
        assert answer.status_code in (200, 206), path
        assert "content-encoding" not in answer.headers, path


def test_a_small_answer_stays_as_it_is(client: TestClient) -> None:
    assert "content-encoding" not in client.get("/health/live", headers=BROWSER).headers


def test_a_page_names_files_by_digest_and_a_browser_keeps_them_for_ever(client: TestClient) -> None:
    page = client.get("/results", headers=BROWSER).text
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert named
    for path in named:
        answer = client.get(path, headers=BROWSER)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable", path
        assert client.get(path.partition("?")[0]).headers["cache-control"] == "no-cache"
        assert client.get(f"{path}0").headers["cache-control"] == "no-cache", "of another release"
        assert client.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_the_chart_library_is_compressed_once_and_the_same_either_way(client: TestClient) -> None:
    small, plain = (client.get("/static/vega.js", headers=each) for each in (BROWSER, PLAIN))
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < 320_000
    assert small.content == plain.content
    assert small.headers["etag"] == plain.headers["etag"]
