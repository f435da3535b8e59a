"""Logs: every line is whole, says what it is about, and holds no secret, whoever wrote it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from service.logs import configure_logs
from service.settings import Settings


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Handlers, levels and structlog as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def ours(name: str = "memspan.test") -> Any:
    """A logger that nobody has used before it was configured."""
    return structlog.stdlib.get_logger(name)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_lines_of_ours_and_of_libraries_say_what_they_are_about(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    with bound_contextvars(request_id="r-1", experiment="exp-2"):
        ours().info("submitted", runs=3)
        for name in ("uvicorn.error", "celery.worker", "sqlalchemy.pool"):
            logging.getLogger(name).warning("by %s", name)
    found = lines(capsys)
    assert [line["logger"] for line in found] == ["memspan.test", "uvicorn.error", "celery.worker", "sqlalchemy.pool"]
    assert {(line["request_id"], line["experiment"]) for line in found} == {("r-1", "exp-2")}
    assert [line["level"] for line in found] == ["info", "warning", "warning", "warning"]
    assert all(line["timestamp"].endswith("Z") for line in found)
    assert (found[0]["event"], found[0]["runs"], found[1]["event"]) == ("submitted", 3, "by uvicorn.error")


def test_an_error_is_one_line_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError:
        ours().exception("failed")
        logging.getLogger("uvicorn.error").exception("failed, too")
    for line in lines(capsys):
        assert line["exception"].startswith("Traceback")
        assert line["exception"].endswith("ZeroDivisionError: by nothing")


def test_less_than_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning")
    ours().info("quiet")
    logging.getLogger("celery").info("quiet")
    ours().warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_the_form_for_people_has_the_same_and_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "console")
    local = "a local variable"
    try:
        raise ZeroDivisionError(len(local))
    except ZeroDivisionError:
        with bound_contextvars(request_id="r-1"):
            ours().exception("failed", cookie="hunter2")
    told = capsys.readouterr().err
    assert "failed" in told
    assert "request_id=r-1" in told
    assert "ZeroDivisionError" in told
    assert "local variable" not in told
    assert "hunter2" not in told


def test_no_secret_gets_through_whoever_writes_it(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(
        database_url="postgresql+psycopg://memspan:correct-horse@db/memspan", redis_url="redis://:battery%2Fstaple@r/0"
    )
    configure_logs("debug", "json", settings.secrets)
    logging.getLogger("sqlalchemy.pool").error("connecting to %s", settings.database_url)
    logging.getLogger("kombu").error("with correct-horse and battery/staple, or battery%2Fstaple")
    ours().warning("request", headers=[(b"authorization", b"Bearer hunter2hunter2")], url=settings.redis_url)
    try:
        raise ConnectionError(f"to {settings.database_url}")
    except ConnectionError:
        ours().exception("away", cookie="memspan=hunter2hunter2")
    told = capsys.readouterr().err
    for secret in ("correct-horse", "battery/staple", "battery%2Fstaple", "hunter2"):
        assert secret not in told
    assert len(told.splitlines()) == 4
