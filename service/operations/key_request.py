"""A request for a key, the same over HTTP and on the command line."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from service.scopes import Scope
from service.storage.keys import Quota

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LIFETIME = re.compile(r"([1-9][0-9]{0,8})([smhdw])", re.ASCII)
MOST_YEARS = 100
MOST = 2**53
"""of a quota: what JSON numbers hold exactly"""

Most = Annotated[int, Field(ge=0, le=MOST)] | None


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
    stored_bytes: Most = Field(default=None, description="bytes of weights that its experiments keep")
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
