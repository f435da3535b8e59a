"""HTTP manners: HEAD, entity tags, ranges, variants, links between pages, request ids."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.contract.problems import told
from tests.contract.stage import SMALL, Stage

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
CURL = {"Accept": "*/*"}
SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2],
    "training": SMALL,
    "repeats": 1,
}


@pytest.fixture(scope="module")
def weights(client: TestClient, finished: dict[str, Any]) -> str:
    """The path of some weights."""
    run = client.get(finished["links"]["runs"]).json()["items"][0]["id"]
    checkpoint = client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
    return str(client.get(f"/checkpoints/{checkpoint}").json()["links"]["weights"])


@pytest.mark.parametrize("accept", [BROWSER, CURL], ids=["browser", "curl"])
@pytest.mark.parametrize("path", ["/results", "/results/{id}", "/results/{id}/figures/score", "/experiments", "/tasks"])
def test_head_is_get_without_the_body(
    client: TestClient, finished: dict[str, Any], path: str, accept: dict[str, str]
) -> None:
    path = path.format(id=finished["id"])
    head, get = client.head(path, headers=accept), client.get(path, headers=accept)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    own = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in own} == {
        k: v for k, v in get.headers.items() if k not in own
    }


def test_head_of_what_is_not_there_is_a_404_without_a_body(client: TestClient) -> None:
    answer = client.head("/experiments/exp-999999")
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("accept", [BROWSER, CURL], ids=["browser", "curl"])
@pytest.mark.parametrize("path", ["", "/figures/score", "/figures/score?theme=dark", "/figures/span.svg"])
def test_what_a_client_has_already_is_a_304(
    client: TestClient, finished: dict[str, Any], path: str, accept: dict[str, str]
) -> None:
    path = finished["links"]["results"] + path
    first = client.get(path, headers=accept)
    again = client.get(path, headers=accept | {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert again.headers.get(name) == first.headers.get(name)
    other = client.get(path, headers=accept | {"If-None-Match": '"other"'})
    assert other.content == first.content


def test_representations_of_one_path_have_tags_of_their_own(client: TestClient, finished: dict[str, Any]) -> None:
    path = finished["links"]["results"]
    page, data = client.get(path, headers=BROWSER), client.get(path, headers=CURL)
    assert page.headers["content-type"].startswith("text/html")
    assert data.headers["content-type"] == "application/json"
    assert page.headers["vary"] == data.headers["vary"] == "Accept, Accept-Encoding"
    assert page.headers["etag"] != data.headers["etag"]
    themes = [client.get(f"{path}/figures/score?theme={theme}").headers["etag"] for theme in ("light", "dark")]
    assert themes[0] != themes[1]


def test_results_change_their_tag_when_they_change(stage: Stage) -> None:
    path = stage.submit(SPEC, name="changes")["links"]["results"]
    waiting = stage.client.get(path).headers["etag"]
    stage.work()
    assert stage.client.get(path).headers["etag"] != waiting
    assert stage.client.get(path, headers={"If-None-Match": waiting}).status_code == 200


def test_the_tag_of_weights_is_their_hash(client: TestClient, weights: str) -> None:
    answer = client.get(weights)
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert "attachment" in answer.headers["content-disposition"]
    assert client.get(weights, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert client.get(weights, headers={"If-None-Match": f'"x", W/{answer.headers["etag"]}'}).status_code == 304
    assert client.get(weights, headers={"If-None-Match": "*"}).status_code == 304


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-3", slice(0, 4)),
        ("bytes=8-", slice(8, None)),
        ("bytes=-5", slice(-5, None)),
        ("bytes=4-999999", slice(4, None)),
        ("bytes=4-" + "9" * 5_000, slice(4, None)),
        ("bytes=-999999", slice(None)),
    ],
    ids=["first", "rest", "last", "beyond", "far beyond", "more than all"],
)
def test_a_range_is_that_part(client: TestClient, weights: str, asked: str, part: slice) -> None:
    whole, answer = client.get(weights), client.get(weights, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == whole.content[part]
    first, last, size = map(int, re.findall(r"\d+", answer.headers["content-range"]))
    assert (last - first + 1, size) == (len(answer.content), len(whole.content))


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0", "bytes=" + "9" * 5_000 + "-"])
def test_a_range_outside_is_a_416_that_names_the_size(client: TestClient, weights: str, asked: str) -> None:
    answer = client.get(weights, headers={"Range": asked})
    told(answer, 416)
    assert answer.headers["content-range"] == f"bytes */{len(client.get(weights).content)}"


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=0-1,3-4", "bytes=x-y", "bytes=-", "bytes=٣-"])
def test_a_range_that_is_none_of_ours_is_ignored(client: TestClient, weights: str, asked: str) -> None:
    assert client.get(weights, headers={"Range": asked.encode()}).status_code == 200


def test_a_range_of_another_version_is_the_whole(client: TestClient, weights: str) -> None:
    tag = client.get(weights).headers["etag"]
    assert client.get(weights, headers={"Range": "bytes=0-3", "If-Range": tag}).status_code == 206
    assert client.get(weights, headers={"Range": "bytes=0-3", "If-Range": '"old"'}).status_code == 200


def test_pages_lead_to_each_other_and_miss_nothing(stage: Stage) -> None:
    made = [stage.submit(SPEC, name=f"page {index}", labels=["paged"])["id"] for index in range(5)]
    seen, path = [], "/experiments?label=paged&limit=2"
    while path:
        answer = stage.client.get(path)
        page = answer.json()
        seen += [item["id"] for item in page["items"]]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        assert (link is None) == (page["next_cursor"] is None)
        path = link[1] if link else ""
        assert not path or f"cursor={page['next_cursor']}" in path
    assert seen == made[::-1], "newest first"


def test_a_page_that_ends_the_list_has_no_next(stage: Stage, finished: dict[str, Any]) -> None:
    answer = stage.client.get(f"{finished['links']['runs']}?limit=24")
    assert len(answer.json()["items"]) == 24
    assert answer.json()["next_cursor"] is None
    assert "link" not in answer.headers


def test_lists_are_narrowed(stage: Stage) -> None:
    stage.submit(SPEC, name="Ünïque 100%_name", labels=["narrow a"])
    for query in ("q=100%25_NAME", "label=narrow%20a", "label=narrow%20a&task=latch&model=rnn&state=queued"):
        assert len(stage.client.get(f"/experiments?{query}").json()["items"]) == 1, query
    for query in ("q=100x", "label=narrow", "label=narrow%20a&model=lstm", "label=narrow%25", "study=none"):
        assert stage.client.get(f"/experiments?{query}").json()["items"] == [], query


def test_a_label_is_not_taken_for_a_task_or_model(stage: Stage) -> None:
    stage.submit(SPEC, labels=["x model:gru task:upload"])
    assert stage.client.get("/experiments?model=gru").json()["items"] == []
    assert stage.client.get("/experiments?task=upload").json()["items"] == []


def test_every_answer_carries_a_request_id(client: TestClient) -> None:
    own = client.get("/tasks", headers={"X-Request-Id": "mine-1"})
    assert own.headers["x-request-id"] == "mine-1"
    for path in ("/tasks", "/nowhere", "/experiments?limit=0", "/health/live", "/static/style.css"):
        assert re.fullmatch(r"[0-9a-f]{32}", client.get(path).headers["x-request-id"]), path
    strange = client.get("/tasks", headers={"X-Request-Id": "two words"})
    assert strange.headers["x-request-id"] != "two words"


@pytest.mark.parametrize(
    "path", ["/results/exp-999999", "/nowhere", "/results?limit=0", "/results/exp-999999/figures/x"]
)
def test_a_browser_gets_a_problem_as_a_page_and_curl_as_a_document(client: TestClient, path: str) -> None:
    page, document = client.get(path, headers=BROWSER), client.get(path, headers=CURL)
    assert page.status_code == document.status_code >= 400
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert {each.headers["vary"].split(", ")[0] for each in (page, document)} == {"Accept"}
    problem = told(document, document.status_code)
    assert problem["title"] in page.text
    assert page.headers["x-request-id"] in page.text


def test_a_page_of_a_problem_escapes_what_was_asked(client: TestClient) -> None:
    assert "<script>" not in client.get("/results/<script>alert(1)</script>", headers=BROWSER).text


def test_the_way_in_leads_to_the_dashboard(client: TestClient) -> None:
    answer = client.get("/", headers=BROWSER)
    assert answer.url.path == "/results"
    assert "Memspan" in answer.text
    assert client.get("/results", headers=CURL).json().keys() == {"items", "next_cursor"}


def test_json_can_be_asked_for_in_a_browser(client: TestClient, finished: dict[str, Any]) -> None:
    answer = client.get(f"{finished['links']['results']}?format=json", headers=BROWSER)
    assert answer.headers["content-type"] == "application/json"
