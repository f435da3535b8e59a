"""The same POST with one Idempotency-Key: from many at once, and while the API dies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from examples.process import started
from tests.processes import Client, MemspanProcess
from tests.scenes import SMALLEST
from tests.servers import PostgresServer
from tests.waiting import until

THREADS = 20
LARGE = {**SMALLEST, "lengths": list(range(2, 102)), "repeats": 100}


@pytest.fixture(params=["sqlite", "postgresql"])
def api(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemspanProcess]:
    """An API without workers, on both dialects."""
    variables = {}
    with ExitStack() as stack:
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            name = f"same{uuid4().hex}"
            variables["MEMSPAN_DATABASE_URL"] = server.create(name)
            stack.callback(server.drop, name)
        yield stack.enter_context(started(MemspanProcess(tmp_path, "api", "--port", "0", **variables)))


def test_the_same_post_from_twenty_threads_makes_one_experiment(api: MemspanProcess) -> None:
    client, headers = Client(api.address()), {"Idempotency-Key": "twenty"}

    def post(number: int) -> str:
        """Ask again while another's is under way, as the answer says."""
        while (answer := client.request("POST", "/experiments", json=LARGE, headers=headers)).status_code == 409:
            assert int(answer.headers["Retry-After"]) >= 1
            time.sleep(0.1)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    with ThreadPoolExecutor(THREADS) as pool:
        names = set(pool.map(post, range(THREADS)))
    assert len(names) == 1
    assert {item["id"] for item in client.get("/experiments")["items"]} == names
    assert client.experiment(names.pop())["runs"]["queued"] == 10_000


@pytest.mark.long
def test_a_post_that_died_with_its_api_and_is_sent_again_makes_one_experiment(api: MemspanProcess) -> None:
    for number in range(4):
        client, headers = Client(api.address()), {"Idempotency-Key": f"died-{number}"}

        def post(client: Client = client, headers: dict[str, str] = headers) -> httpx.Response | None:
            with suppress(httpx.TransportError):
                return client.request("POST", "/experiments", json=LARGE, headers=headers)
            return None

        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(post)
            time.sleep(0.15 * number)  # somewhere in the middle of it, or before, or behind
            api.send(9)
            api.wait()
            sent.result()
        api.start()
        client = Client(api.address())
        answer = until(lambda client=client, headers=headers: done(client, headers), 60, "it to be done")
        assert len(client.get("/experiments")["items"]) == number + 1
        assert client.experiment(answer["id"])["runs"]["queued"] == 10_000


def done(client: Client, headers: dict[str, str]) -> dict[str, str] | None:
    answer = client.request("POST", "/experiments", json=LARGE, headers=headers)
    assert answer.status_code in (201, 409), answer.text
    return answer.json() if answer.status_code == 201 else None
