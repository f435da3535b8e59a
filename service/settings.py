"""Settings: what the surroundings tell the service, read once from ``MEMSPAN_*`` variables."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BeforeValidator, ByteSize, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from memspan.interfaces.limits import Limits

MEBIBYTE = 1024 * 1024
PREFIX = "MEMSPAN_"
LEAST_WORKER_MEMORY = 384 * MEBIBYTE
"""a worker that does nothing yet takes nearly as much"""

Network = IPv4Network | IPv6Network
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SettingsError(SystemExit):
    """A setting can't be used. Left alone it ends the process with its sentences on standard error."""


def _parts(value: object) -> object:
    """``"a, b"`` as ``("a", "b")``; anything but a text is left to the type."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _path(value: object) -> object:
    return Path(value).expanduser().absolute() if isinstance(value, str | Path) else value


def _networks(value: object) -> object:
    parts = _parts(value)
    if not isinstance(parts, list | tuple):
        return parts
    return tuple(ip_network(part) for part in parts)


def _lowered(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Settings(BaseSettings):
    """Everything that may differ between two deployments of the same code; a field ``x`` is read from ``MEMSPAN_X``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, env_ignore_empty=True, extra="forbid", hide_input_in_errors=True
    )

    home: Annotated[Path, BeforeValidator(_path)] = Field(
        default=Path("~/.memspan"), validate_default=True, description="Folder for the database and data sets."
    )
    database_url: str = Field(
        default_factory=lambda given: _sqlite(given["home"]),
        repr=False,
        description="SQLAlchemy URL: sqlite:///path or postgresql+psycopg://user:password@host/database.",
    )
    redis_url: str | None = Field(default=None, repr=False, description="Set: bells go over Celery and Redis.")
    data: Annotated[Path, BeforeValidator(_path)] = Field(
        default_factory=lambda given: given["home"] / "data", description="Data sets; MNIST is mnist/*.gz in it."
    )
    trusted_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        default=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Networks, comma-separated, whose clients are served.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts), BeforeValidator(_lowered)] = Field(
        default=(), description="Host names, comma-separated, served beside IP addresses and localhost."
    )
    lease_seconds: Seconds = Field(default=60, description="Lease of a claimed run, beaten every quarter of it.")
    slice_seconds: Seconds = Field(default=15, description="How long a worker trains before it looks up.")
    threads: Count = Field(default=1, description="Compute threads of a worker.")
    engine: Annotated[Literal["auto", "torch"], BeforeValidator(_lowered)] = Field(
        default="auto", description="auto: compiled loops where they are faster; torch: torch's own operations only."
    )
    cache: Annotated[Path, BeforeValidator(_path)] | None = Field(
        default=None, description="Folder of compiled loops; memspan in the user's cache folder if unset."
    )
    worker_memory: Annotated[ByteSize, Field(ge=LEAST_WORKER_MEMORY)] | None = Field(
        default=None, description="Memory that a worker may take; its share of the machine's, if unset."
    )
    minimum_free: Annotated[ByteSize, Field(ge=0)] | None = Field(
        default=None,
        description="Free disk space, such as 2GiB, below which nothing is taken on; unset: 2 % of it, at most 1GiB.",
    )

    retention_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="Days after their end for which experiments are kept; unset: for ever."
    )

    max_body_bytes: Count = Field(default=16 * MEBIBYTE, description="Largest body of a request.")
    max_dataset_bytes: Count = Field(default=256 * MEBIBYTE, description="Largest file of a data set.")
    max_dataset_unpacked: Count = Field(
        default=512 * MEBIBYTE, description="Most bytes that it is read to, at eight a value."
    )
    max_dataset_rows: Count = Field(default=5_000_000, description="Most rows of a data set, or steps of sequences.")
    max_dataset_columns: Count = Field(default=1_000, description="Most columns of a data set.")
    max_length: Count = Field(default=10_000, description="Longest sequence, in time steps.")
    max_repeats: Count = Field(default=1_000, description="Most repeats of a condition.")
    max_epochs: Count = Field(default=100_000, description="Most epochs of a run.")
    max_hidden_size: Count = Field(default=4_096, description="Widest model.")
    max_runs: Count = Field(default=100_000, description="Most runs of one experiment.")
    max_name: Count = Field(default=200, description="Longest name, in characters.")
    max_prediction_values: Count = Field(default=4_000_000, description="Most numbers in one prediction's inputs.")
    model_cache_bytes: Annotated[int, Field(ge=0)] = Field(
        default=128 * MEBIBYTE, description="Memory for models kept ready for predictions."
    )
    max_connections: Count = Field(default=8_192, description="Most connections of an API process.")
    max_connections_per_client: Count = Field(default=4_096, description="Most of them from one address.")
    rate_limit: Rate = Field(default="12000/minute", description="Most requests of a key, such as 200/second.")
    submission_rate_limit: Rate = Field(
        default="300/minute", description="Most requests of a key that submit an experiment, a study or a probe."
    )
    max_answer_values: Count = Field(default=1_000_000, description="Most numbers in the answer of one prediction.")
    max_bodies_bytes: Count = Field(default=32 * MEBIBYTE, description="Bytes of large bodies that are read at once.")
    max_waiting: Count = Field(default=128, description="Most requests that wait for each kind of computing.")
    idempotency_hours: Seconds = Field(default=24, description="How long an Idempotency-Key is remembered, in hours.")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lowered)] = "info"
    log_format: Annotated[Literal["json", "console"], BeforeValidator(_lowered)] = Field(
        default="json", description="json: a line for programs; console: a line for people."
    )

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            place = make_url(value)
            driver = place.drivername
        except ArgumentError as error:
            raise ValueError("it can't be parsed as an SQLAlchemy URL") from error
        if driver not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
            raise ValueError(f"the driver {driver!r} is not supported")
        if place.query.get("prepare_threshold", "none") != "none":
            raise ValueError("prepare_threshold may be none (nothing is prepared, for poolers) or be left out")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_broker(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://")):
            raise ValueError("it must begin with redis:// or rediss://")
        return value

    @property
    def limits(self) -> Limits:
        """The caps that specs are held to: the context of body validation."""
        return Limits(
            length=self.max_length,
            repeats=self.max_repeats,
            epochs=self.max_epochs,
            hidden_size=self.max_hidden_size,
            name=self.max_name,
            runs=self.max_runs,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords in URLs, as they are and as they stand there."""
        urls = [make_url(url) for url in (self.database_url, self.redis_url) if url]
        plain = [str(url.password) for url in urls if url.password]
        return (*plain, *(quote(each, safe="") for each in plain))

    def masked(self) -> dict[str, Any]:
        """All settings as JSON-ready data for logs, with the secrets in URLs replaced by ``***``."""
        values = self.model_dump(mode="json")
        return {name: mask(value) if name.endswith("_url") and value else value for name, value in values.items()}


def _sqlite(home: Path) -> str:
    """URL of the embedded database. ``URL.create`` escapes what a path may contain and a URL may not."""
    return URL.create("sqlite", database=str(home / "memspan.db")).render_as_string(hide_password=False)


def mask(url: str) -> str:
    """The URL with its password, and any query value that may be one, replaced by ``***``; it need not be well formed.

    A password may itself hold colons, slashes and at signs, so all up to the last at sign is taken for it.
    """
    without_password = re.sub(r"^((?:[^:/@]+://)?+[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&][^=&]*pass[^=&]*=)[^&]*", r"\1***", without_password, flags=re.IGNORECASE)


EXPECTED = {
    "home": "a path of a folder",
    "data": "a path of a folder",
    "database_url": "sqlite:///path/to/file.db or postgresql+psycopg://user:password@host:5432/database",
    "redis_url": "redis://host:6379/0 or rediss://host:6379/0",
    "trusted_networks": "networks such as 127.0.0.0/8,172.18.0.0/16, comma-separated",
    "allowed_hosts": "host names, comma-separated",
    "model_cache_bytes": "a whole number of bytes, at least 0",
    "worker_memory": "a number of bytes, at least 384MiB, or such as 4GiB",
    "minimum_free": "a number of bytes, at least 0, or such as 500MiB or 2GiB",
    "rate_limit": "a number of requests per second, minute, hour or day, such as 200/second",
    "submission_rate_limit": "a number of requests per second, minute, hour or day, such as 300/minute",
    "retention_days": "a number of days above 0, such as 90 or 0.5",
    "log_level": "debug, info, warning or error",
    "log_format": "json or console",
}


def load_settings() -> Settings:
    """The settings of this process's environment.

    Raises:
        SettingsError: some variable can't be used; one sentence each, with the variable, its value and what is
            expected.
    """
    try:
        return Settings()
    except ValidationError as error:
        # A default computed from a value that is itself wrong is no fault of its own.
        faults = [fault for fault in error.errors() if fault["type"] != "default_factory_not_called"]
        raise SettingsError("\n".join(_sentence(str(fault["loc"][0]), fault) for fault in faults)) from None


def _sentence(name: str, fault: Any) -> str:
    variable = PREFIX + name.upper()
    given = os.environ.get(variable, str(fault["input"]))
    # What a validator of ours says is for people; what the library says of a type or a pattern is not.
    reason = str(fault["msg"]).removeprefix("Value error, ") + "; " if fault["type"] == "value_error" else ""
    return f"{variable} is {mask(given)!r}: {reason}expected: {_expected(name)}."


def _expected(name: str) -> str:
    number = "a number above 0" if Settings.model_fields[name].annotation is float else "a whole number, at least 1"
    return EXPECTED.get(name, number)
