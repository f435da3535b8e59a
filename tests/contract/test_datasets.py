"""Data sets: sent as a body or a form, understood or refused by row and column, listed, looked into, deleted."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.operations import keys as operations
from service.operations.caller import ANYBODY
from service.operations.key_request import KeyRequest
from tests.contract.problems import told
from tests.contract.stage import Stage, staged

CSV = "day,demand\n" + "".join(f"2026-{1 + day // 28:02}-{1 + day % 28:02},{day % 7}.5\n" for day in range(28 * 12))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An application of its own, with small caps."""
    caps = {"max_dataset_bytes": 60_000, "max_dataset_rows": 1_000, "max_dataset_columns": 10}
    with staged(tmp_path_factory.mktemp("datasets"), **caps) as made:
        yield made


def send(stage: Stage, data: bytes | str, query: str = "", **headers: str) -> Any:
    return stage.client.post(f"/datasets{query}", content=data, headers={"Content-Type": "text/csv", **headers})


def test_a_raw_body_is_understood_and_kept(own: Stage) -> None:
    answer = send(own, CSV, "?name=demand.csv")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["Location"] == made["links"]["self"] == f"/datasets/{made['id']}"
    assert (made["name"], made["rows"], made["format"]) == ("demand.csv", 336, "csv")
    assert (made["encoding"], made["separator"], made["decimal"]) == ("utf-8", ",", ".")
    assert made["time_column"] == "day"
    assert [(each["name"], each["type"], each["missing"]) for each in made["columns"]] == [
        ("day", "time", 0),
        ("demand", "number", 0),
    ]
    assert (made["columns"][1]["low"], made["columns"][1]["high"]) == (0.5, 6.5)
    assert made["series"] == {"column": None, "count": 1, "shortest": 336, "longest": 336}
    looked = own.client.get(made["links"]["self"])
    assert looked.json() == made
    assert own.client.get(made["links"]["self"], headers={"If-None-Match": looked.headers["ETag"]}).status_code == 304
    shown = own.client.get(made["links"]["preview"]).json()
    assert shown["rows"][0] == ["2026-01-01T00:00:00Z", 0.5]
    assert len(shown["curves"][0]["mean"]) == 200


def test_a_form_has_a_file_and_options(own: Stage) -> None:
    files = {"file": ("größe.csv", "a;b\n1,5;x\n2,5;y\n".encode("utf-16"), "text/csv")}
    options = {"types": {"a": "category"}}
    answer = own.client.post("/datasets", files=files, data={"options": json.dumps(options)})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["name"], made["encoding"], made["separator"]) == ("größe.csv", "utf-16", ";")
    assert made["columns"][0]["levels"] == ["1,5", "2,5"]
    problem = told(own.client.post("/datasets", files={"other": ("a", b"x")}), 422)
    assert problem["errors"][0]["pointer"] == "#/other"
    problem = told(own.client.post("/datasets", files=files, data={"options": '{"separator": "x", "more": 1}'}), 422)
    assert {each["pointer"] for each in problem["errors"]} == {"#/options/separator", "#/options/more"}
    told(own.client.post("/datasets", files=files, data={"options": "{"}), 422)
    told(send(own, "no form", **{"Content-Type": "multipart/form-data"}), 400)


def test_a_rehearsal_stores_nothing(own: Stage) -> None:
    before = own.rows()
    answer = send(own, CSV, "?dry_run=true")
    assert answer.status_code == 200
    assert answer.json()["rows"] == 336
    assert own.rows() == before


def test_everything_wrong_is_told_by_row_and_column_and_nothing_is_stored(own: Stage) -> None:
    before = own.rows()
    problem = told(send(own, "a,b\n1,2\n3\n4,x\n5,inf\n6,7\n"), 422)
    assert [(each["pointer"], each["code"], each["given"]) for each in problem["errors"]] == [
        ("#/file/rows/2", "ragged_row", "3"),
        ("#/file/rows/3/b", "not_a_number", "x"),
        ("#/file/rows/4/b", "not_finite", "inf"),
    ]
    assert problem["errors"][1]["message"].startswith("Row 3, column 'b': Expected a number")
    many = told(send(own, "a,b\n" + "1,2\n" * 300 + "".join(f"{row},x\n" for row in range(250))), 422)
    assert (len(many["errors"]), many["more_errors"]) == (100, 150)
    assert own.rows() == before


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"\x00\x01\x02", 422),
        (b"PAR1" + bytes(50) + b"PAR1", 422),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,), }" + b" " * 42, 422),
        ("ä,b\n1,2\n".encode("latin-1"), 422),
        ("a\n" + "1\n" * 1_001, 422),
        (",".join(f"c{number}" for number in range(11)) + "\n", 422),
        ("a\n" + "1\n" * 40_000, 413),
    ],
)
def test_what_can_not_be_read_is_refused_and_nothing_of_it_stays(own: Stage, data: bytes, status: int) -> None:
    before, files = own.rows(), sorted(own.context.settings.home.iterdir())
    told(send(own, data), status)
    assert own.rows() == before
    assert sorted(own.context.settings.home.iterdir()) == files


def test_a_cap_is_named_with_its_setting(own: Stage) -> None:
    assert "60000 bytes (MEMSPAN_MAX_DATASET_BYTES)" in told(send(own, "a\n" + "1\n" * 40_000), 413)["detail"]

    def streamed() -> Iterator[bytes]:
        for _ in range(100):
            yield b"1\n" * 1_000

    assert "MEMSPAN_MAX_DATASET_BYTES" in told(own.client.post("/datasets", content=streamed()), 413)["detail"]


def test_other_media_types_are_refused(own: Stage) -> None:
    told(send(own, "{}", **{"Content-Type": "application/json"}), 415)


def test_the_same_request_sent_again_makes_one_data_set(own: Stage) -> None:
    first = send(own, CSV, "?name=once", **{"Idempotency-Key": "upload-1"})
    again = send(own, CSV, "?name=once", **{"Idempotency-Key": "upload-1"})
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    told(send(own, CSV + "2027-01-01,1\n", "?name=once", **{"Idempotency-Key": "upload-1"}), 422)
    assert len(own.client.get("/datasets?q=once").json()["items"]) == 1


def test_equal_contents_are_stored_once_until_the_last_goes(own: Stage) -> None:
    made = [send(own, "a\n" + "".join(f"{number}\n" for number in range(99)), f"?name={name}").json() for name in "xy"]
    assert made[0]["sha256"] == made[1]["sha256"]
    blobs = own.rows()["blobs"]
    assert own.client.delete(made[0]["links"]["self"]).status_code == 204
    assert own.rows()["blobs"] == blobs
    assert own.client.delete(made[1]["links"]["self"]).status_code == 204
    assert own.rows()["blobs"] == blobs - 1
    told(own.client.get(made[0]["links"]["self"]), 404)
    told(own.client.get(made[0]["links"]["preview"]), 404)
    told(own.client.delete(made[0]["links"]["self"]), 404)


def test_lists_come_in_pages_newest_first(own: Stage) -> None:
    for number in range(3):
        send(own, CSV, f"?name=page {number}")
    first = own.client.get("/datasets?q=PAGE&limit=2").json()
    assert [each["name"] for each in first["items"]] == ["page 2", "page 1"]
    second = own.client.get(f"/datasets?q=page&limit=2&cursor={first['next_cursor']}").json()
    assert [each["name"] for each in second["items"]] == ["page 0"]
    assert second["next_cursor"] is None


def test_sequences_are_described_by_their_shape(own: Stage) -> None:
    file = io.BytesIO()
    np.savez(file, inputs=np.ones((8, 5, 2)), targets=np.arange(8) % 3)
    made = send(own, file.getvalue(), **{"Content-Type": "application/octet-stream"}).json()
    assert (made["kind"], made["shape"], made["classes"]) == ("sequences", [8, 5, 2], 3)
    assert np.shape(own.client.get(made["links"]["preview"]).json()["sequences"]) == (3, 5, 2)


def test_large_contents_lie_in_pieces_and_go_with_their_data_set(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        before = stage.rows()
        made = send(stage, "a,b\n" + "".join(f"{row},{row / 7}\n" for row in range(400_000))).json()
        assert made["bytes"] > 6_400_000
        assert stage.rows()["pieces"] == 1
        assert stage.client.delete(made["links"]["self"]).status_code == 204
        assert stage.rows() == before


def test_data_sets_have_owners_quotas_and_a_trail(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        secrets = {}
        for name, scope, quota in (
            ("ada", "run", {"stored_bytes": 9_000}),
            ("bob", "run", {}),
            ("eve", "read", {}),
            ("root", "admin", {}),
        ):
            asked = KeyRequest.model_validate({"name": name, "scope": scope, "quota": quota})
            secrets[name] = operations.create(stage.context.database, asked, ANYBODY, over_http=False).secret
        stage.app.state.keyring.forget()

        def ask(name: str, method: str, path: str, **options: Any) -> Any:
            headers = {"Authorization": f"Bearer {secrets[name]}"}
            return stage.client.request(method, path, headers=headers, **options)

        made = ask("ada", "POST", "/datasets?name=hers", content=CSV).json()
        assert made["owner"] == "ada"
        told(ask("ada", "POST", "/datasets", content=CSV.replace("2.5", "2.75")), 429)
        told(ask("eve", "POST", "/datasets", content=CSV), 403)
        assert ask("eve", "GET", made["links"]["self"]).status_code == 200
        told(ask("bob", "DELETE", made["links"]["self"]), 403)
        assert ask("ada", "DELETE", made["links"]["self"]).status_code == 204
        trail = ask("root", "GET", f"/audit?object={made['id']}").json()["items"]
        assert [(each["action"], each["caller"]) for each in trail] == [
            ("delete_dataset", "ada"),
            ("upload_dataset", "ada"),
        ]
