"""Room on disk: nothing new is taken on while there is too little, and what is there can be read and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ByteSize

from service.operations import room
from service.schemas.description import operations
from tests.contract.stage import LATCH, Stage, staged

MORE_THAN_ANY_DISK = ByteSize(2**62)
PROBE = {"kind": "change", "index": -1, "percent": 7}
REFUSED: dict[str, Any] = {
    "submit_experiment": ("/experiments", LATCH),
    "start_study": ("/studies/latch/experiments", {"scale": "quick"}),
    "probe_experiment": ("/experiments/{experiment}/probes", {"probe": PROBE}),
    "retry_experiment": ("/experiments/{cancelled}/retry", None),
    "extend_experiment": ("/experiments/{experiment}/extend", {"repeats": 1}),
    "probe_checkpoint": ("/checkpoints/{checkpoint}/probes", PROBE),
    "upload_dataset": ("/datasets?name=days.csv", b"day,demand\n" + b"".join(b"%d,%d\n" % (n, n) for n in range(99))),
    "import_checkpoint": ("/checkpoints", "/checkpoints/{checkpoint}/weights?layout=memspan"),
}
"""what takes on something new, by operation: its path, and a document, the bytes of a file or where they can be had"""
ANSWERED = {
    "cancel_experiment": "ends work",
    "pause_experiment": "ends work for now",
    "resume_experiment": "goes on with what was taken on before",
    "predict": "keeps nothing",
    "create_key": "is a row: who makes room may need a key for it",
    "sample_task": "keeps nothing",
}
"""what changes something, and is answered all the same"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("room")) as made:
        yield made


@pytest.fixture(scope="module")
def places(stage: Stage) -> dict[str, str]:
    """An experiment that was trained while there was room."""
    done = stage.finish(LATCH)
    cancelled = stage.submit(LATCH, name="cancelled")["id"]
    stage.client.post(f"/experiments/{cancelled}/cancel")
    run = stage.client.get(f"/experiments/{done['id']}/runs?limit=1").json()["items"][0]["id"]
    return {
        "experiment": done["id"],
        "cancelled": cancelled,
        "checkpoint": stage.client.get(f"/runs/{run}").json()["checkpoints"][0]["id"],
    }


@pytest.fixture
def full(stage: Stage, places: dict[str, str]) -> Iterator[Stage]:
    """The stage on a disk with too little room."""
    context = replace(stage.context, settings=stage.context.settings.model_copy(update=LITTLE))
    stage.app.state.context = context
    yield stage
    stage.app.state.context = stage.context


LITTLE = {"minimum_free": MORE_THAN_ANY_DISK}


@pytest.mark.parametrize("operation", REFUSED)
def test_what_would_be_stored_is_refused_with_507_and_leaves_nothing(
    full: Stage, places: dict[str, str], operation: str
) -> None:
    path, body = REFUSED[operation]
    before = full.rows()
    answer = full.client.post(path.format(**places), **sent(full, places, body))
    assert (answer.status_code, answer.headers["content-type"]) == (507, "application/problem+json"), answer.text
    problem = answer.json()
    assert problem["type"] == "/problems/insufficient-storage"
    assert "4.0EiB are kept free (MEMSPAN_MINIMUM_FREE)" in problem["detail"]
    assert str(full.context.settings.home) not in answer.text
    assert full.rows() == before


def sent(stage: Stage, places: dict[str, str], body: Any) -> dict[str, Any]:
    """A document as it is, a file as bytes without a form."""
    if isinstance(body, str):
        body = stage.client.get(body.format(**places)).content
    raw = {"Content-Type": "application/octet-stream"}
    return {"content": body, "headers": raw} if isinstance(body, bytes) else {"json": body}


def test_every_operation_that_changes_something_is_refused_or_has_a_reason_why_not(stage: Stage) -> None:
    """A new operation stands in one of the two lists: does it take on something that has to be stored?"""
    document = stage.client.get("/openapi.json").json()
    changing = {each["operationId"] for _, method, each in operations(document) if method in ("post", "put", "patch")}
    assert changing == REFUSED.keys() | ANSWERED.keys()


def test_plans_predictions_results_and_stored_answers_are_still_given(full: Stage, places: dict[str, str]) -> None:
    client = full.client
    assert client.post("/experiments?dry_run=true", json=LATCH).status_code == 200
    inputs = {"inputs": [[1.0, 0.5]]}
    assert client.post(f"/checkpoints/{places['checkpoint']}/predictions", json=inputs).status_code == 200
    assert client.get(f"/results/{places['experiment']}").status_code == 200
    asked_before = {"probe": {"kind": "change", "index": 0}}
    assert client.post(f"/experiments/{places['experiment']}/probes", json=asked_before).status_code == 200


def test_a_refusal_is_not_remembered_under_its_idempotency_key(stage: Stage, full: Stage) -> None:
    headers = {"Idempotency-Key": "there-was-no-room"}
    assert full.client.post("/experiments", json=LATCH, headers=headers).status_code == 507
    full.app.state.context = stage.context
    made = full.client.post("/experiments", json=LATCH, headers=headers)
    assert made.status_code == 201
    full.app.state.context = replace(stage.context, settings=stage.context.settings.model_copy(update=LITTLE))
    again = full.client.post("/experiments", json=LATCH, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, made.json()["id"])


def test_readiness_is_degraded_and_says_why(full: Stage) -> None:
    answer = full.client.get("/health/ready")
    assert answer.status_code == 200
    told = answer.json()
    assert told["status"] == "degraded"
    assert "Nothing new is taken on." in told["components"]["disk"]
    assert told["components"]["database"] == "up"


def test_with_room_readiness_says_so(stage: Stage) -> None:
    told = stage.client.get("/health/ready").json()
    assert (told["status"], told["components"]["disk"]) == ("ok", "enough room")


def test_experiments_can_be_deleted_without_room(full: Stage, places: dict[str, str]) -> None:
    assert full.client.delete(f"/experiments/{places['experiment']}?dry_run=true").status_code == 200


def test_the_disk_of_the_database_counts_wherever_the_home_lies(stage: Stage) -> None:
    assert {disk.name for disk in room.disks(stage.context)} == {"home", "database"}
