"""What a process keeps between requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memspan.engine.condition import Condition
from service.operations.context import Context, Kept, kept
from service.operations.loaded_model import LoadedModel
from service.queue.bell import NoBell
from service.settings import Settings
from service.storage.database import Database


def held(store: Kept[bytes], name: str) -> bool:
    """Whether a store still has what it was given under a name."""
    return store(name, lambda: b"") != b""


def test_a_thing_is_made_once_while_there_is_room() -> None:
    store = kept(10, len)
    assert store("a", lambda: b"first") == b"first"
    assert store("a", lambda: b"again") == b"first"


def test_what_was_used_longest_ago_goes_first() -> None:
    store = kept(10, len)
    for name in ("a", "b", "a", "c"):
        store(name, lambda: b"12345")
    assert held(store, "a")
    assert not held(store, "b")


def test_a_thing_larger_than_all_bytes_is_handed_out_and_nothing_goes_for_it() -> None:
    store = kept(10, len)
    store("a", lambda: b"12345")
    assert store("large", lambda: b"x" * 11) == b"x" * 11
    assert not held(store, "large")
    assert held(store, "a")


def test_what_could_not_be_made_is_made_the_next_time() -> None:
    store = kept(10, len)

    def failing() -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        store("a", failing)
    assert store("a", lambda: b"made") == b"made"


def test_threads_may_share_a_store() -> None:
    store = kept(300, len)

    def asked(number: int) -> bool:
        name = number % 7
        return store(name, lambda: bytes([name]) * 100) == bytes([name]) * 100

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(asked, range(5_000)))


def test_models_for_predictions_take_the_memory_that_the_settings_allow(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, model_cache_bytes=100)
    database = Database(settings.database_url)
    models = Context(settings, database, NoBell()).models
    database.close()

    def loaded() -> LoadedModel:
        return LoadedModel(predictor=None, condition=Condition, any_length=False, bytes=60, sha256="", stepping=None)  # type: ignore[arg-type]

    first = models(1, loaded)
    assert models(1, loaded) is first
    models(2, loaded)
    assert models(1, loaded) is not first, "two models of 60 bytes are more than 100"
