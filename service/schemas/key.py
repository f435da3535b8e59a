"""API keys in answers."""

from typing import Any

from pydantic import Field

from service.operations import ids
from service.operations.keys import KeyView, MadeKey
from service.operations.times import rfc3339
from service.schemas.number import Answer


class Quota(Answer):
    """The most that a key may use; null where nothing limits it."""

    queued_runs: int | None
    stored_bytes: int | None
    core_seconds: int | None = Field(description="of one worker in a day (UTC), as plans estimate them")


class KeyUsage(Answer):
    """What a key uses of its quota, by the same names."""

    queued_runs: int
    stored_bytes: int
    core_seconds: float = Field(description="asked for since midnight UTC")


class ApiKey(Answer):
    """A key; its secret is stored nowhere."""

    id: str = Field(examples=["key-2"])
    name: str
    scope: str = Field(description="read, run or admin")
    state: str = Field(description="working, expired or revoked")
    hint: str = Field(description="how its secret begins")
    quota: Quota
    usage: KeyUsage
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    used_at: str | None = Field(description="its last use, to the minute")


class NewApiKey(ApiKey):
    """A key that was just made, with its secret: keep it, it is never shown again."""

    secret: str


def key(view: KeyView) -> dict[str, Any]:
    """One key."""
    row = view.row
    return {
        "id": ids.public(ids.KEY, row.key),
        "name": row.name,
        "scope": row.scope,
        "state": view.state,
        "hint": row.hint,
        "quota": vars(row.quota),
        "usage": vars(view.usage) | {"core_seconds": round(view.usage.core_seconds, 3)},
        "created_at": rfc3339(row.created_at),
        "expires_at": rfc3339(row.expires_at),
        "revoked_at": rfc3339(row.revoked_at),
        "used_at": rfc3339(row.used_at),
    }


def new_key(made: MadeKey) -> dict[str, Any]:
    """A key with its secret."""
    return key(made.view) | {"secret": made.secret}
