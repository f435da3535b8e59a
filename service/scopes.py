"""Scopes: what a key lets its bearer do. Each covers those before it."""

from enum import StrEnum


class Scope(StrEnum):
    """What a key is for."""

    READ = "read"
    """look at everything but keys and the audit trail"""
    RUN = "run"
    """submit, ask probes and predictions, and change what is one's own"""
    ADMIN = "admin"
    """change what is anybody's, make and revoke keys, read the audit trail"""

    def covers(self, needed: "Scope") -> bool:
        """Whether who has this scope may do what needs another."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)
