"""The visitor: who looks at a page, for what every page shows of him."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Visitor:
    """Who has logged in.

    Attributes:
        token: that forms and scripts of the page send with what they change.
    """

    name: str
    scope: str
    token: str


VISITOR: ContextVar[Visitor | None] = ContextVar("visitor", default=None)
"""of the request that is answered; None where nobody has logged in"""


def mark() -> str:
    """What a page's entity tag must differ by from one visitor to another; "" without one."""
    visitor = VISITOR.get()
    return "" if visitor is None else f"-{visitor.token[:16]}"
