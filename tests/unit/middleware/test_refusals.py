"""Refused attempts are noted, at a pace that fills no disk."""

from __future__ import annotations

from fastapi import FastAPI, Response
from starlette.testclient import TestClient

from service.middleware.refusals import AT_ONCE, SECONDS_EACH, Ration, Refusals
from tests.unit.middleware.rings import MemoryKeyring


def test_a_refusal_is_noted_with_its_path_and_address() -> None:
    app, keyring = FastAPI(), MemoryKeyring()

    @app.get("/answers/{status}")
    def answer(status: int) -> Response:
        return Response(status_code=status)

    app.add_middleware(Refusals, keyring=keyring)
    client = TestClient(app, client=("10.0.0.9", 1))
    for status in (200, 401, 403, 404, 421, 422, 429):
        client.get(f"/answers/{status}")
    assert [(entry.action, entry.path, entry.status) for entry in keyring.refused] == [
        ("refused", "/answers/401", 401),
        ("refused", "/answers/403", 403),
        ("refused", "/answers/421", 421),
        ("refused", "/answers/429", 429),
    ]
    assert {(entry.caller, entry.address) for entry in keyring.refused} == {(None, "10.0.0.9")}


def test_too_many_are_counted_and_not_listed() -> None:
    time = [0.0]
    ration = Ration(lambda: time[0])
    taken = [ration.take() for _ in range(AT_ONCE + 1_000)]
    assert taken == [0] * AT_ONCE + [None] * 1_000
    time[0] += SECONDS_EACH
    assert [ration.take(), ration.take()] == [1_000, None]


def test_a_year_of_attack_is_a_million_entries() -> None:
    time, taken = [0.0], 0
    ration = Ration(lambda: time[0])
    for _ in range(10_000):
        time[0] += 1.0
        taken += ration.take() is not None
    assert taken <= AT_ONCE + 10_000 / SECONDS_EACH + 1
    assert AT_ONCE + 365 * 86_400 / SECONDS_EACH < 1_100_000
