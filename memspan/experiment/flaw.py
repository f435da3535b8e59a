"""A flaw: one thing that makes a well-formed spec impossible."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Place = tuple[str | int, ...]
"""keys and positions from the top of a spec"""


@dataclass(frozen=True)
class Flaw:
    """One thing that makes a well-formed spec impossible.

    Attributes:
        path: keys and positions in the spec, e.g. ("probes", 0, "index").
        given: the number at fault; None where it is the whole of what stands at ``path``.
        member: whether it is one member of the set at ``path``: sets have no positions.
        because: other places that it follows from, too.
    """

    path: Place
    code: str
    message: str
    given: Any = None
    member: bool = False
    because: tuple[Place, ...] = field(default=(), compare=False)
