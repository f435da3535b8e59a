"""The audit trail in answers."""

from typing import Any

from pydantic import Field

from service.operations.action import Action
from service.operations.times import rfc3339
from service.schemas.number import Answer
from service.storage.audit import EntryRecord


class Deed(Answer):
    """What somebody did, or tried."""

    id: int
    at: str
    caller: str | None = Field(description="name of the key; null where there was none")
    action: str = Field(description=f"one of {', '.join(Action)}")
    object: str | None = Field(description="what it was done to", examples=["exp-12"])
    method: str = Field(description="of the request; empty where a command did it")
    path: str
    status: int
    address: str | None = Field(description="where it came from")
    request_id: str
    detail: str | None


def deed(row: EntryRecord) -> dict[str, Any]:
    """One entry."""
    values = {name: value for name, value in vars(row).items() if name != "key"}
    return {"id": row.key, **values, "at": rfc3339(row.at)}
