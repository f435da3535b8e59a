"""Sound bodies with something spoilt, as JSON or as bytes, to every POST: no 5xx but those that are documented."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from service.operations import keys
from service.operations.caller import ANYBODY
from service.operations.key_request import KeyRequest
from tests.contract.problems import MEDIA
from tests.contract.stage import LATCH, Stage, staged
from tests.hostile import raw
from tests.property.conftest import Ground, ids_of
from tests.property.test_description import described
from tests.property.test_spoilt_specs import places, replaced

FEW, MANY = 30, 5_000
"""mutated bodies of each POST: in every run of the tests, and in the long ones"""
CONFINED = 300
"""of those that a process of its own reads, which takes a third of a second to start"""
WITH_KEYS = 20
DOCUMENTED = frozenset({503, 507})
STORED = {"/experiments": 2, "/studies/{kind}/experiments": 25}
"""of so many bodies one asks for more than a plan; a study in full is a second of storing"""
SEED = 1994
TINY: dict[str, Any] = {**LATCH, "name": "mutated", "repeats": 1, "seed": 3}
OF_EXPERIMENTS = json.loads(raw()) | {"labels": ["a"], "limits": {"max_seconds": 1}, "probes": LATCH["probes"]}
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"),
    "", "a", "\0", "\ud800", "lstm", "latch", "9" * 300, [], [[]], [0] * 200, [None],
    {}, {"kind": "latch"}, {"kind": "rnn"}, {"a": {"a": {}}}, [[0.5, 0.5]], [[[0.5], [0.5]]], [["a"]],
)  # fmt: skip
FRAGMENTS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\0", b"\xff", b"\\ud800", b"1e999",
    b"NaN", b"-", b"\xef\xbb\xbf",
)  # fmt: skip


def sound_bodies() -> dict[str, list[Any]]:
    """Examples of the bodies of each POST; of those without a body an empty one."""
    found: dict[str, list[Any]] = {}
    for path, methods in described().raw_schema["paths"].items():
        if "post" in methods:
            content = methods["post"].get("requestBody", {}).get("content", {}).get("application/json", {})
            examples = [each["value"] for each in content.get("examples", {}).values()]
            found[path] = examples or [{}]
    found["/experiments"] = [*found["/experiments"], TINY, OF_EXPERIMENTS]
    return found


BODIES = sound_bodies()


def mutations(path: str, count: int) -> Iterator[bytes]:
    """Bodies that are nearly sound; always the same."""
    rng = np.random.default_rng([SEED, *path.encode()])
    for _ in range(count):
        body: Any = copy.deepcopy(BODIES[path][rng.integers(len(BODIES[path]))])
        for _ in range(rng.integers(0, 4)):
            body = spoilt(body, rng)
        data = json.dumps(body).encode("utf-8", "surrogatepass")
        yield scratched(data, rng) if rng.random() < 0.3 else data


def spoilt(body: Any, rng: np.random.Generator) -> Any:
    """Something at one place replaced, doubled, taken away or added."""
    every = list(places(body))
    path = every[rng.integers(len(every))]
    value = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
    there = body
    for part in path:
        there = there[part]
    match rng.integers(4):
        case 0 if isinstance(there, list) and there:
            value = there * int(rng.integers(2, 80))
        case 1 if isinstance(there, dict):
            value = {**there, str(rng.choice(["kind", "a", "", "\0", "tasks"])): value}
        case 2 if isinstance(there, dict) and there:
            gone = sorted(there)[rng.integers(len(there))]
            value = {key: each for key, each in there.items() if key != gone}
    return replaced(body, path, value)


def scratched(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes cut, put in or doubled."""
    at = int(rng.integers(len(data) + 1))
    match rng.integers(3):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + FRAGMENTS[rng.integers(len(FRAGMENTS))] * int(rng.integers(1, 4)) + data[at:]
    return data[:at] + data[at:] * 2


def hold(ground: Ground, path: str, count: int, headers: dict[str, str]) -> None:
    """Send mutated bodies, and look at each answer."""
    where = path.replace("{kind}", "latch")
    where = where.replace("{id}", next((name for start, name in ground.ids.items() if path.startswith(start)), ""))
    for number, body in enumerate(mutations(path, count)):
        query = "?dry_run=true" if number % STORED.get(path, 1) else ""
        answer = ground.stage.client.post(where + query, content=body, headers=headers)
        assert answer.status_code < 500 or answer.status_code in DOCUMENTED, (path, body[:2_000], answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == MEDIA, (path, body[:2_000])
            assert not {"Traceback", "sqlalchemy", "SELECT ", "/site-packages/"} & set(answer.text.split()), answer.text


@pytest.mark.parametrize("path", sorted(BODIES))
def test_no_mutated_body_brings_an_undocumented_failure(ground: Ground, path: str) -> None:
    hold(ground, path, FEW, {})


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", sorted(BODIES))
def test_no_mutated_body_of_thousands_brings_an_undocumented_failure(ground: Ground, path: str) -> None:
    hold(ground, path, CONFINED if path == "/datasets" else MANY, {})


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ground, dict[str, str]]]:
    """An application that asks for keys, and the header of one that may do everything."""
    with staged(tmp_path_factory.mktemp("keyed")) as stage:
        experiment = stage.finish(LATCH)
        ids = ids_of(stage, experiment)
        yield Ground(stage, ids), {"Authorization": f"Bearer {secret(stage)}"}


def secret(stage: Stage) -> str:
    """The secret of a new key."""
    asked = KeyRequest.model_validate({"name": "admin", "scope": "admin"})
    made = keys.create(stage.context.database, asked, ANYBODY, over_http=False)
    stage.app.state.keyring.forget()
    return made.secret


@pytest.mark.parametrize("path", sorted(BODIES))
def test_no_mutated_body_brings_an_undocumented_failure_with_keys_on(
    keyed: tuple[Ground, dict[str, str]], path: str
) -> None:
    ground, headers = keyed
    hold(ground, path, WITH_KEYS, headers)


def test_without_a_key_no_body_is_looked_at_once_there_is_one(keyed: tuple[Ground, dict[str, str]]) -> None:
    ground, _ = keyed
    for path in sorted(BODIES):
        for body in mutations(path, 2):  # more wrong requests in a row would be held back for a while, 429
            assert ground.stage.client.post(path.replace("{", "").replace("}", ""), content=body).status_code == 401
