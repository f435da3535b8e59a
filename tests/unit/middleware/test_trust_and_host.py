"""Trust and host: whose requests are served, judged by address, Host and Origin."""

from ipaddress import ip_network

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.middleware.access import Access
from service.middleware.host import HostAndOrigin, same_site
from service.middleware.rate_limits import RateLimits
from service.middleware.trust import trusts
from service.settings import Settings
from tests.unit.middleware.rings import MemoryKeyring

NETWORKS = (ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("172.18.0.0/16"))


def application() -> FastAPI:
    app = FastAPI()

    @app.api_route("/x", methods=["GET", "POST"])
    def any_method() -> str:
        return "served"

    @app.get("/health/live")
    def live() -> str:
        return "alive"

    return app


def from_address(address: str) -> TestClient:
    app = application()
    app.add_middleware(Access, keyring=MemoryKeyring(), networks=NETWORKS, limits=RateLimits(Settings()))
    return TestClient(app, client=(address, 1))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "::1", "172.18.3.4", "::ffff:127.0.0.1", "::ffff:172.18.0.1"]
)
def test_clients_of_trusted_networks_are_served(address: str) -> None:
    assert from_address(address).get("/x").json() == "served"


@pytest.mark.parametrize("address", ["10.0.0.1", "172.19.0.1", "fe80::1%eth0", "::ffff:10.0.0.1", "not an address", ""])
def test_strangers_are_told_how_to_be_served(address: str) -> None:
    answer = from_address(address).get("/x")
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]
    assert "MEMSPAN_TRUSTED_NETWORKS" in answer.json()["detail"]
    assert "memspan keys create" in answer.json()["detail"]


def test_a_forwarded_address_is_not_believed() -> None:
    assert from_address("10.0.0.1").get("/x", headers={"x-forwarded-for": "127.0.0.1"}).status_code == 401


def test_a_unix_socket_is_trusted() -> None:
    assert trusts(NETWORKS, None)


def test_health_is_open_to_everybody() -> None:
    assert from_address("10.0.0.1").get("/health/live").status_code == 200


def at_host(*allowed: str) -> TestClient:
    app = application()
    app.add_middleware(HostAndOrigin, allowed_hosts=allowed)
    return TestClient(app, base_url="http://localhost:8000")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "a.localhost", "localhost.", "127.0.0.1:8000", "[::1]:8000", "memspan.example:80"],
)
def test_addresses_localhost_and_allowed_names_are_ours(host: str) -> None:
    assert at_host("Memspan.Example").get("/x", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "user@localhost", "", "2130706433", "[::1"],
)
def test_other_names_are_misdirected(host: str) -> None:
    answer = at_host().get("/x", headers={"host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert "MEMSPAN_ALLOWED_HOSTS" in answer.json()["detail"]


def test_health_is_open_under_every_name() -> None:
    assert at_host().get("/health/live", headers={"host": "pod-7"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://localhost:8000", "HTTP://LOCALHOST:8000"])
def test_our_own_pages_may_change_things(origin: str) -> None:
    assert at_host().post("/x", headers={"origin": origin}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost",
        "http://localhost:9000",
        "null",
        "file://",
        "http://[",
        "http://localhost:x",
    ],
)
def test_other_pages_may_not(origin: str) -> None:
    answer = at_host().post("/x", headers={"origin": origin})
    assert answer.status_code == 403
    assert at_host().get("/x", headers={"origin": origin}).status_code == 200


def test_a_tool_without_origin_may_change_things() -> None:
    assert at_host().post("/x").status_code == 200


def test_a_proxy_may_speak_tls_in_front() -> None:
    assert same_site("https://memspan.example", "memspan.example")
    assert same_site("https://memspan.example:443", "memspan.example")
    assert not same_site("https://memspan.example", "memspan.example:8000")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "something new"])
def test_a_page_that_the_browser_calls_another_s_may_change_nothing(site: str) -> None:
    answer = at_host().post("/x", headers={"sec-fetch-site": site})
    assert answer.status_code == 403
    assert "Sec-Fetch-Site" in answer.json()["detail"]
    assert at_host().get("/x", headers={"sec-fetch-site": site}).status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_pages_and_the_user_himself_may(site: str) -> None:
    assert at_host().post("/x", headers={"sec-fetch-site": site}).status_code == 200
