"""The caller: who asks for an operation, settled once at the edge."""

from dataclasses import dataclass
from getpass import getuser

from service.errors import Forbidden
from service.scopes import Scope
from service.storage.keys import UNLIMITED, Quota


@dataclass(frozen=True)
class Caller:
    """Who asks, and from where.

    Attributes:
        name: of the key, None where there are no keys: then everybody who is let in may do everything.
        address: of the connection.
        method: of the request, with its ``path`` and id; empty where a command asks.
    """

    name: str | None = None
    scope: Scope = Scope.ADMIN
    quota: Quota = UNLIMITED
    address: str | None = None
    method: str = ""
    path: str = ""
    request_id: str = ""

    def require_owner(self, owner: str | None, what: str) -> None:
        """Forbidden unless the caller may change what has an owner; what has none is the admins'."""
        if self.scope is Scope.ADMIN or (owner is not None and owner == self.name):
            return
        whose = "nobody's" if owner is None else f"that of {owner!r}"
        raise Forbidden(f"The {what} is {whose}: only its owner or an admin may change it, not the key {self.name!r}.")

    def require(self, needed: Scope) -> None:
        """Forbidden, with the scope that is needed, unless the caller has it."""
        if not self.scope.covers(needed):
            raise Forbidden(
                f"This needs the scope {needed}; the key {self.name!r} has {self.scope}.",
                headers={"WWW-Authenticate": f'Bearer realm="memspan", error="insufficient_scope", scope="{needed}"'},
            )


ANYBODY = Caller()
"""of a service without keys, and of code that asks for itself"""


def who_runs(command: str) -> Caller:
    """Whoever runs a command, such as ``memspan keys create``, as the audit trail names him."""
    try:
        user = getuser()
    except (KeyError, OSError):
        user = "somebody"  # a container's user may have no name
    return Caller(name=f"{user} on the command line", path=command)
