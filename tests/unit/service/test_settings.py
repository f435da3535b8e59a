"""Settings: defaults, and a sentence for each value that can't be used."""

import json
import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, load_settings, mask


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MEMSPAN_{name.upper()}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_defaults_are_one_machine_and_loopback(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.home == tmp_path / ".memspan"
    assert settings.data == tmp_path / ".memspan" / "data"
    assert settings.database_url == f"sqlite:///{tmp_path}/.memspan/memspan.db"
    assert settings.redis_url is None
    assert settings.trusted_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.limits.hidden_size == 4_096


@pytest.mark.parametrize(("given", "count"), [("2GiB", 2**31), ("500MB", 500_000_000), ("0", 0), ("1048576", 2**20)])
def test_free_space_is_given_in_bytes_or_with_a_unit(monkeypatch: pytest.MonkeyPatch, given: str, count: int) -> None:
    monkeypatch.setenv("MEMSPAN_MINIMUM_FREE", given)
    assert load_settings().minimum_free == count


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSPAN_TRUSTED_NETWORKS", "10.0.0.0/8, ::1")
    monkeypatch.setenv("MEMSPAN_ALLOWED_HOSTS", "Memspan.Example,api")
    settings = load_settings()
    assert settings.trusted_networks == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert settings.allowed_hosts == ("memspan.example", "api")


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSPAN_REDIS_URL", "")
    assert load_settings().redis_url is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MEMSPAN_LEASE_SECONDS", "nan", "a number above 0"),
        ("MEMSPAN_THREADS", "two", "a whole number, at least 1"),
        ("MEMSPAN_MAX_RUNS", "0", "a whole number, at least 1"),
        ("MEMSPAN_MODEL_CACHE_BYTES", "-1", "a whole number of bytes, at least 0"),
        ("MEMSPAN_TRUSTED_NETWORKS", "10.0.0.5/8", "networks such as"),
        ("MEMSPAN_DATABASE_URL", "mysql://host/db", "postgresql+psycopg://"),
        ("MEMSPAN_DATABASE_URL", "no url", "postgresql+psycopg://"),
        ("MEMSPAN_DATABASE_URL", "postgresql+psycopg://host/db?prepare_threshold=5", "prepare_threshold may be none"),
        ("MEMSPAN_REDIS_URL", "http://host", "redis://"),
        ("MEMSPAN_MINIMUM_FREE", "plenty", "such as 500MiB or 2GiB"),
        ("MEMSPAN_MINIMUM_FREE", "-1", "at least 0"),
        ("MEMSPAN_WORKER_MEMORY", "100MiB", "at least 384MiB"),
        ("MEMSPAN_LOG_LEVEL", "LOUD", "debug, info, warning or error"),
    ],
)
def test_a_bad_value_is_told_with_its_variable_and_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    sentence = str(refused.value)
    assert name in sentence
    assert repr(value) in sentence
    assert expected in sentence
    assert isinstance(refused.value, SystemExit)


def test_all_bad_values_are_told_at_once_and_no_password_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSPAN_DATABASE_URL", "mysql://user:s3cret@host/db")
    monkeypatch.setenv("MEMSPAN_THREADS", "0")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert len(str(refused.value).splitlines()) == 2
    assert "s3cret" not in str(refused.value)


def test_a_home_that_needs_escaping_still_makes_a_url(tmp_path: Path) -> None:
    from sqlalchemy import make_url

    settings = Settings(home=tmp_path / "a?b%c")
    assert make_url(settings.database_url).database == str(tmp_path / "a?b%c" / "memspan.db")


def test_masked_settings_are_json_and_hold_no_secret() -> None:
    settings = Settings(
        database_url="postgresql+psycopg://memspan:s3cret@db/memspan?sslpassword=s3cret",
        redis_url="redis://:s3cret@redis:6379/0",
    )
    text = json.dumps(settings.masked())
    assert "s3cret" not in text
    assert "postgresql+psycopg://memspan:***@db/memspan?sslpassword=***" in text
    assert "redis://:***@redis:6379/0" in text
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("sqlite:////home/x/memspan.db", "sqlite:////home/x/memspan.db"),
        ("postgresql+psycopg://user@host/db", "postgresql+psycopg://user@host/db"),
        ("redis://user:a:b/c@d@host/0", "redis://user:***@host/0"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
    ],
)
def test_only_secrets_are_masked(url: str, masked: str) -> None:
    assert mask(url) == masked


@pytest.mark.parametrize(
    ("name", "value"),
    [("WORKER_MEMORY", "much"), ("WORKER_MEMORY", "1"), ("RATE_LIMIT", "often"), ("RETENTION_DAYS", "-1"),
     ("MINIMUM_FREE", "-5"), ("THREADS", "0"), ("LEASE_SECONDS", "nan"), ("LOG_LEVEL", "loud")],
)  # fmt: skip
def test_a_sentence_about_a_setting_is_our_own_and_not_a_library_s(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"MEMSPAN_{name}", value)
    with pytest.raises(SettingsError) as stopped:
        load_settings()
    assert re.fullmatch(rf"MEMSPAN_{name} is '{value}': expected: [^;]+\.", str(stopped.value.code))
