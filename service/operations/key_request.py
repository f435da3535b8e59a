"""A request for a key, the same over HTTP and on the command line."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    TypeAdapter,
    WithJsonSchema,
)

from service.scopes import Scope
from service.storage.keys import Quota

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LIFETIME = re.compile(r"([1-9][0-9]{0,8})([smhdw])", re.ASCII)
MOST_YEARS = 100
MOST = 2**53
"""of a quota: what JSON numbers hold exactly"""

SIZE = r"^[0-9]{1,4}(\.[0-9]{1,3})? ?[kKMGT]i?B$"
"""bytes with a unit, thousands or (with an i) 1 024s of each other"""

_BYTES = TypeAdapter(ByteSize)
Most = Annotated[int, Field(ge=0, le=MOST)] | None


def _bytes(given: Any) -> Any:
    """Bytes from text such as 20GiB; anything else is left to its type."""
    if not isinstance(given, str):
        return given
    if re.fullmatch(SIZE, given, re.ASCII) is None:
        raise ValueError(
            f"stored_bytes must be a whole number of bytes, or text such as 500MB or 20GiB; not {given[:60]!r}."
        )
    if (size := int(_BYTES.validate_python(given))) > MOST:
        raise ValueError(f"stored_bytes must be at most {MOST} bytes, not {given}.")
    return size


_NUMBER = {"type": "integer", "minimum": 0, "maximum": MOST}
_TEXT = {"type": "string", "pattern": SIZE, "examples": ["500MB", "20GiB"]}
MostBytes = Annotated[
    Most, BeforeValidator(_bytes), WithJsonSchema({"anyOf": [_NUMBER, _TEXT, {"type": "null"}]}, mode="validation")
]


def _lifetime(text: str) -> str:
    found = LIFETIME.fullmatch(text)
    if found is None:
        raise ValueError(
            f"expires must be a whole number with s, m, h, d or w behind it, such as 90d; not {text[:60]!r}."
        )
    if int(found[1]) * SECONDS[found[2]] > MOST_YEARS * 366 * SECONDS["d"]:
        message = f"expires must be at most {MOST_YEARS} years, not {text}; leave it out for a key that doesn't expire."
        raise ValueError(message)
    return text


class QuotaRequest(BaseModel):
    """The most that a key may use; what is left out or null is not limited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queued_runs: Most = Field(default=None, description="runs that wait, over all experiments of the key")
    stored_bytes: MostBytes = Field(
        default=None, description="bytes of weights that its experiments keep, as a number or as text such as 20GiB"
    )
    core_seconds: Most = Field(
        default=None, description="seconds of one worker that it may ask for in a day (UTC), as plans estimate them"
    )


class KeyRequest(BaseModel):
    """A key as it is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$",
        description="who it is for; a new key of a revoked one's name goes on as its owner",
    )
    scope: Scope = Field(description="read: look; run: also submit and change one's own; admin: everything")
    expires: Annotated[str, AfterValidator(_lifetime)] | None = Field(
        default=None, description="how long it lets in, such as 90d or 12h; for ever if left out"
    )
    quota: QuotaRequest = QuotaRequest()

    @property
    def lifetime_seconds(self) -> float | None:
        found = LIFETIME.fullmatch(self.expires) if self.expires else None
        return float(int(found[1]) * SECONDS[found[2]]) if found else None

    @property
    def limits(self) -> Quota:
        return Quota(**self.quota.model_dump())
