"""Logging in with a browser: a key once, then a cookie that is not the key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from service.middleware.credentials import SESSION_COOKIE
from service.operations import keys as operations
from service.operations.caller import ANYBODY
from service.operations.key_request import KeyRequest
from service.routes.login import local
from service.storage.sessions import MOST
from service.storage.tables import sessions
from tests.contract.problems import told
from tests.contract.stage import LATCH, SMALL, Stage, staged

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Locked:
    """An application that needs a key, and browsers without any cookie."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.experiment = stage.finish(LATCH)
        self.secret = self.key("lab")

    def key(self, name: str, scope: str = "run") -> str:
        asked = KeyRequest.model_validate({"name": name, "scope": scope})
        made = operations.create(self.stage.context.database, asked, ANYBODY, over_http=False)
        self.stage.app.state.keyring.forget()
        return made.secret

    def browser(self, url: str = "http://localhost", **headers: str) -> TestClient:
        client = TestClient(
            self.stage.app, url, client=("127.0.0.1", 1), raise_server_exceptions=False, follow_redirects=False
        )
        client.portal = self.stage.client.portal
        client.headers.update({**BROWSER, **headers})
        return client

    def logged_in(self, secret: str | None = None) -> TestClient:
        browser = self.browser()
        answer = log_in(browser, secret or self.secret)
        assert answer.status_code == 303, answer.text
        return browser


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    with staged(tmp_path_factory.mktemp("login")) as stage:
        yield Locked(stage)


def log_in(
    browser: TestClient, secret: str, next: str = "/results", headers: dict[str, str] | None = None, **changes: str
) -> Any:
    page = browser.get("/login", params={"next": next}).text
    fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page)}
    return browser.post("/login", data={**fields, "key": secret, **changes}, headers=headers)


def test_a_browser_is_led_to_the_form_and_back(locked: Locked) -> None:
    browser = locked.browser()
    path = f"{locked.experiment['links']['results']}?theme=a&x=1%2F2"
    led = browser.get(path)
    assert led.status_code == 303
    where = urlsplit(led.headers["location"])
    assert (where.netloc, where.path, parse_qs(where.query)["next"]) == ("", "/login", [path])
    page = browser.get(led.headers["location"])
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    answer = log_in(browser, locked.secret, next=path)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert browser.get(locked.experiment["links"]["results"]).status_code == 200


def test_programs_are_told_and_not_led(locked: Locked) -> None:
    told(locked.browser(Accept="*/*").get("/results"), 401)
    assert locked.browser().post("/experiments", json=LATCH).status_code == 401
    assert locked.browser(Authorization="Bearer mspn_x").get("/results").status_code == 401


def test_the_cookie_is_not_the_key_and_no_script_reads_it(locked: Locked) -> None:
    answer = log_in(locked.browser(), locked.secret)
    (cookie,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith(SESSION_COOKIE)]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert "Path=/" in cookie
    assert "secure" not in cookie.lower(), "over plain HTTP a browser would drop it"
    value = cookie.partition("=")[2].partition(";")[0]
    assert value not in locked.secret
    assert locked.secret[10:] not in cookie
    with locked.stage.context.database.reading() as connection:
        assert value not in str(connection.execute(select(sessions)).all())


def test_over_tls_the_cookie_goes_over_tls_only(locked: Locked) -> None:
    browser = locked.browser("https://localhost")
    answer = log_in(browser, locked.secret)
    assert all("secure" in each.lower() for each in answer.headers.get_list("set-cookie") if SESSION_COOKIE in each)
    behind_proxy = log_in(locked.browser(), locked.secret, headers={"Origin": "https://localhost"})
    found = behind_proxy.headers.get_list("set-cookie")
    assert any("secure" in each.lower() for each in found if SESSION_COOKIE in each)


@pytest.mark.parametrize("secret", ["", "mspn_wrong", "x" * 200, "mspn_" + "0" * 49])
def test_a_key_that_does_not_work_is_said_on_the_form(locked: Locked, secret: str) -> None:
    browser = locked.browser()
    answer = log_in(browser, secret, next="/studies")
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert 'name="next" value="/studies"' in answer.text
    assert not secret or secret not in answer.text
    assert SESSION_COOKIE not in browser.cookies


def test_a_form_of_another_site_begins_no_session(locked: Locked) -> None:
    assert log_in(locked.browser(), locked.secret, token="0" * 64).status_code == 400
    bare = locked.browser()
    assert bare.post("/login", data={"key": locked.secret, "next": "/results"}).status_code == 400
    other = locked.browser(Origin="http://evil.example")
    assert log_in(other, locked.secret).status_code == 403
    marked = locked.browser()
    marked.get("/login")
    assert (
        marked.post("/login", data={"key": locked.secret}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    )


@pytest.mark.parametrize(
    "next",
    ["//evil.example", "/\\evil.example", "http://evil.example", "javascript:alert(1)", "", "results",
     "/login?next=/login", "/\t/evil.example", "/results\r\nSet-Cookie: a=b", "/\x00"],
)  # fmt: skip
def test_only_paths_of_this_service_are_gone_on_to(next: str) -> None:
    assert local(next) == "/results"


@pytest.mark.parametrize("next", ["/", "/results", "/results/exp-1?a=//b", "/studies/latch?group=group-1"])
def test_paths_of_this_service_are(next: str) -> None:
    assert local(next) == next


def test_pages_show_who_has_logged_in(locked: Locked) -> None:
    browser = locked.logged_in()
    for path in ("/results", locked.experiment["links"]["results"], "/studies", "/docs"):
        page = browser.get(path)
        assert page.status_code == 200, path
        assert re.search(r"<span[^>]*>lab</span> <button[^>]*>Log out", page.text), path


def test_a_page_of_one_visitor_is_not_taken_for_anothers(locked: Locked) -> None:
    path = locked.experiment["links"]["results"]
    first, second = locked.logged_in(), locked.logged_in(locked.key("second", "read"))
    tag = first.get(path).headers["etag"]
    assert first.get(path, headers={"If-None-Match": tag}).status_code == 304
    page = second.get(path, headers={"If-None-Match": tag})
    assert page.status_code == 200
    assert ">second</span>" in page.text


def test_a_session_may_do_what_its_key_may_with_the_token_of_its_pages(locked: Locked) -> None:
    browser = locked.logged_in()
    token = re.search(r'name="memspan-token" content="(\w+)"', browser.get("/results").text)
    assert token is not None
    spec = LATCH | {"training": SMALL}
    for headers in ({}, {"X-Memspan-Token": "0" * 64}):
        refused = browser.post("/experiments", json=spec, headers={"Accept": "*/*", **headers})
        assert "X-Memspan-Token" in told(refused, 403)["detail"]
    answer = browser.post("/experiments", json=spec, headers={"X-Memspan-Token": token[1]})
    assert (answer.status_code, answer.json()["owner"]) == (201, "lab")
    reader = locked.logged_in(locked.key("reader", "read"))
    token = re.search(r'name="memspan-token" content="(\w+)"', reader.get("/results").text)
    assert token is not None
    refused = reader.post("/experiments", json=spec, headers={"X-Memspan-Token": token[1], "Accept": "*/*"})
    assert "needs the scope run" in told(refused, 403)["detail"]


def test_logging_out_ends_the_session_for_whoever_has_the_cookie(locked: Locked) -> None:
    browser = locked.logged_in()
    cookie = browser.cookies[SESSION_COOKIE]
    token = re.search(r'name="token" value="(\w+)"', browser.get("/results").text)
    assert token is not None
    assert browser.post("/logout", data={"token": "0" * 64}).status_code == 400
    assert browser.get("/results").status_code == 200
    answer = browser.post("/logout", data={"token": token[1]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    stolen = locked.browser()
    stolen.cookies.set(SESSION_COOKIE, cookie)
    assert stolen.get("/results").status_code == 303
    assert browser.post("/logout").status_code == 303, "twice is once"


def test_a_session_ends_with_its_key(locked: Locked) -> None:
    browser = locked.logged_in(locked.key("guest"))
    assert browser.get("/results").status_code == 200
    operations.revoke_named(locked.stage.context.database, "guest", ANYBODY)
    locked.stage.app.state.keyring.forget()
    assert browser.get("/results").status_code == 303


def test_a_session_ends_in_time(locked: Locked) -> None:
    browser = locked.logged_in(locked.key("short"))
    with locked.stage.context.database.writing() as connection:
        connection.execute(sessions.update().values(expires_at=sessions.c.created_at))
    locked.stage.app.state.keyring.forget()
    assert browser.get("/results").status_code == 303


def test_of_many_sessions_of_a_key_the_oldest_end(locked: Locked) -> None:
    secret = locked.key("many")
    browsers = [locked.logged_in(secret) for _ in range(MOST + 1)]
    assert [browser.get("/results").status_code for browser in browsers] == [303, *[200] * MOST]


def test_what_the_form_needs_is_served_to_everybody(locked: Locked) -> None:
    page = locked.browser().get("/login").text
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        assert locked.browser().get(path).status_code == 200, path


def test_a_form_that_is_too_large_is_refused(locked: Locked) -> None:
    assert locked.browser(Accept="*/*").post("/login", content=b"key=" + b"x" * 20_000).status_code == 413


def test_without_keys_nobody_logs_in(client: TestClient) -> None:
    answer = client.get("/login?next=/studies", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/studies")
    page = client.get("/results", headers=BROWSER).text
    assert "Log out" not in page
    assert "memspan-token" not in page


def test_logging_in_and_out_is_kept(locked: Locked) -> None:
    root = locked.key("root", "admin")
    browser = locked.logged_in(root)
    token = re.search(r'name="token" value="(\w+)"', browser.get("/results").text)
    assert token is not None
    browser.post("/logout", data={"token": token[1]})
    answer = locked.stage.client.get("/audit?key=root", headers={"Authorization": f"Bearer {root}"})
    assert [entry["action"] for entry in answer.json()["items"]] == ["log_out", "log_in"]
