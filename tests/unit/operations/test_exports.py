"""Exports: one row a run, made page by page, the same whatever the pages."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from service.errors import NotFound
from service.operations import experiments, exports
from tests.scenes import Scene


@pytest.fixture
def key(scene: Scene) -> int:
    """An experiment of twelve runs, half of them done."""
    made = scene.submit(lengths=[2, 3, 4], repeats=4)
    for _ in range(2):
        scene.finish(scene.claim(), test_accuracy=float("nan"))
    return made


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_is_the_same_whatever_its_pages(
    scene: Scene, key: int, form: exports.Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = b"".join(exports.export(scene.context, key, form))
    monkeypatch.setattr(exports, "PAGE", 5)
    pages = list(exports.export(scene.context, key, form))
    assert b"".join(pages) == whole
    assert len(pages) == 3 + (form == "csv")


def test_both_forms_say_the_same_of_every_run(scene: Scene, key: int) -> None:
    table, lines = (b"".join(exports.export(scene.context, key, form)).decode() for form in ("csv", "jsonl"))
    rows, records = list(csv.DictReader(io.StringIO(table))), [json.loads(line) for line in lines.splitlines()]
    assert [list(each) for each in (rows[0], records[0])] == [list(exports.COLUMNS)] * 2
    assert [(each["length"], each["repeat"]) for each in records] == [(n, i) for n in (2, 3, 4) for i in range(4)]
    assert [each["state"] for each in rows] == [each["state"] for each in records]
    assert json.loads(rows[0]["task"]) == records[0]["task"]
    done = next(each for each in records if each["state"] == "succeeded")
    assert (done["train_loss"], done["test_accuracy"]) == (0.25, "NaN")


def test_a_page_asks_the_database_once_however_large_the_experiment(
    scene: Scene, key: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 1)
    pages, asked = exports.export(scene.context, key, "jsonl"), list[str]()
    next(pages)
    event.listen(scene.context.database.engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    next(pages)
    assert len([each for each in asked if "FROM runs" in each]) == 1


def test_an_export_of_what_is_deleted_meanwhile_breaks_off(
    scene: Scene, key: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 5)
    pages: Iterator[bytes] = exports.export(scene.context, key, "csv")
    assert next(pages).startswith(b"task,model,length,")
    next(pages)
    scene.finish_all()
    experiments.delete(scene.context, key, dry_run=False)
    with pytest.raises(NotFound, match="deleted meanwhile"):
        list(pages)


def test_there_is_no_export_of_no_experiment(scene: Scene) -> None:
    with pytest.raises(NotFound):
        next(exports.export(scene.context, 99, "csv"))
