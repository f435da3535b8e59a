"""Discretion: real errors of databases and files, and what is told of them."""

from __future__ import annotations

import ast
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from service.discretion import DATABASE, INTERNAL, discreet, kept, told
from service.errors import FieldError, Unprocessable
from service.operations import experiments, runs
from service.storage.database import Database
from service.storage.states import Reason
from service.storage.tables import blobs, metadata
from service.storage.tables import runs as run_rows
from tests.scenes import Scene
from workers.loop import diagnosed

ROOT = Path(__file__).parents[3]


def missing_table(database: Database) -> None:
    with database.reading() as connection:
        connection.execute(text("SELECT secret FROM no_such_table"))


def twice_the_same(database: Database) -> None:
    row = {"sha256": "a", "bytes": 1, "data": b"x"}
    with database.writing() as connection:
        connection.execute(insert(blobs), [row, row])


def no_such_place(database: Database) -> None:
    other = Database("sqlite:////nowhere/at/all/memspan.db")
    with other.reading() as connection:
        connection.execute(select(blobs))


ERRORS: dict[str, Callable[[Database], None]] = {
    each.__name__: each for each in (missing_table, twice_the_same, no_such_place)
}


def raised(database: Database, name: str) -> Exception:
    try:
        ERRORS[name](database)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("name", ERRORS)
def test_of_a_database_s_error_nothing_is_told_but_that_there_was_one(database: Database, name: str) -> None:
    error = raised(database, name)
    assert told(error) == DATABASE
    assert diagnosed(error) == (Reason.ERROR, DATABASE)
    whole = "".join(traceback.format_exception(error))
    for words in (str(error), whole, f"It failed: {error}"):
        for cleaned in (discreet(words), kept(words)):
            assert cleaned in (DATABASE, INTERNAL), cleaned


@pytest.mark.parametrize("name", ERRORS)
def test_what_a_run_or_probe_keeps_of_an_error_is_discreet_whoever_writes_it(scene: Scene, name: str) -> None:
    key = scene.submit()
    scene.fail(scene.claim(), Reason.ERROR, str(raised(scene.context.database, name)))
    found, _ = runs.listing(scene.context, key, None, 10, None)
    assert {run.detail for run in found} == {DATABASE}


def test_columns_that_keep_reasons_let_nothing_else_through() -> None:
    """A new column of that name is held to it, too."""
    from service.storage.columns import Detail

    failing = [table for table in metadata.tables.values() if "reason" in table.c]
    columns = [column for table in failing for column in table.c if column.name == "detail"]
    assert len(columns) >= 2
    assert all(isinstance(column.type, Detail) for column in columns)
    assert run_rows.c.detail in columns


def test_of_paths_the_last_name_is_told() -> None:
    assert discreet(f"It lies in {Path.home()}/.memspan/data/x.gz.") == "It lies in x.gz."
    assert discreet(f"'{sys.prefix}/lib/python3/os.py' is gone") == "'os.py' is gone"
    assert kept("No space left on device: '/srv/lab/memspan.db'") == "No space left on device: 'memspan.db'"
    assert discreet("There is nothing at /results/exp-1/figures/score.") == (
        "There is nothing at /results/exp-1/figures/score."
    )
    assert kept("See https://example.org/a/b and 3/4 or and/or.") == "See https://example.org/a/b and 3/4 or and/or."


def test_a_problem_s_document_is_discreet_wherever_the_words_come_from() -> None:
    path = f"{Path.home()}/.memspan/data/mnist/train.gz"
    error = FieldError("#/tasks/0", "data_unavailable", f"The file {path} is missing.", "mnist_rows")
    document = Unprocessable(f"The file {path} is missing.", errors=[error]).document("/experiments", "id")
    assert document["detail"] == document["errors"][0]["message"] == "The file train.gz is missing."


def test_no_traceback_is_told() -> None:
    try:
        experiments.__getattribute__("no such thing")
    except AttributeError:
        assert discreet(traceback.format_exc()) == kept(traceback.format_exc()) == INTERNAL


TO_THE_OWNER = ("log.", "SystemExit", "BadParameter", "SettingsError")
"""calls that tell the owner of the machine, not a client"""
HELD_BY_PROBLEMS = {
    "service/middleware/body.py",
    "service/operations/catalogue.py",
    "service/operations/exporting.py",
    "service/operations/importing.py",
    "service/operations/intake.py",
    "service/operations/large_inputs.py",
    "service/operations/predictions.py",
}
"""files that put an exception's words into a problem, whose document is discreet"""


def speaking(path: Path) -> bool:
    """Whether a file puts the words of an exception that it caught into a text, other than for the owner."""
    tree = ast.parse(path.read_text())
    caught = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    owners = [call for call in calls if any(each in ast.unparse(call.func) for each in TO_THE_OWNER)]
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    private = {id(inner) for node in [*owners, *compared] for inner in ast.walk(node)}
    texts = [call.args[0] for call in calls if ast.unparse(call.func) in ("str", "repr") and call.args]
    texts += [node.value for node in ast.walk(tree) if isinstance(node, ast.FormattedValue)]
    return any(isinstance(text, ast.Name) and text.id in caught and id(text) not in private for text in texts)


def test_nobody_else_puts_the_words_of_an_exception_into_what_is_told() -> None:
    files = [path for room in ("service", "workers") for path in (ROOT / room).rglob("*.py")]
    served = [path for path in files if "client" not in path.parts]
    found = {str(path.relative_to(ROOT)) for path in served if speaking(path)}
    assert found == HELD_BY_PROBLEMS
