"""A ring of keys in memory, where a real one would read a database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TypeVar

from service.middleware.keyring import Ring
from service.operations.key_secret import digest, new_secret
from service.scopes import Scope
from service.storage.audit import NewEntry
from service.storage.keys import KeyRecord

Thing = TypeVar("Thing")
NOW = 1_000.0


@dataclass
class MemoryKeyring:
    """Keys that a test makes; it is NOW for ever."""

    rows: dict[str, KeyRecord] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    refused: list[NewEntry] = field(default_factory=list)

    def make(self, name: str, scope: Scope = Scope.RUN, expires_at: float | None = None, revoked: bool = False) -> str:
        """A new key; its secret."""
        secret = new_secret()
        row = KeyRecord(
            len(self.rows) + 1, name, scope, digest(secret), secret[:9], 0.0, expires_at,
            NOW if revoked else None, None, None, None, None,
        )  # fmt: skip
        self.rows[row.sha256] = row
        return secret

    async def ring(self) -> Ring:
        return Ring(self.rows, NOW, 0.0)

    def time(self) -> float:
        return 0.0

    def note_use(self, row: KeyRecord) -> None:
        self.used.append(row.name)

    def note_refused(self, entry: NewEntry) -> None:
        self.refused.append(entry)

    def while_let_in(self, stream: AsyncIterator[Thing], sha256: str | None) -> AsyncIterator[Thing]:
        return stream
