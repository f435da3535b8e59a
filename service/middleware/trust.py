"""Trust: only clients of trusted networks are served."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import Unauthorized
from service.middleware.problem_response import problem_response
from service.settings import Network

OPEN_PATHS = frozenset({"/health/live", "/health/ready"})
"""Served to everybody: an orchestrator must be able to ask whether the process lives."""


class Trust:
    """Answers 401 to a client whose address is in none of the trusted networks.

    The address is the connection's own. ``X-Forwarded-For`` is never read: anybody can write it.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[Network]) -> None:
        self.app = app
        self.networks = tuple(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the trusted."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self.trusts(scope.get("client")):
            await self.app(scope, receive, send)
            return
        await problem_response(_unknown(scope["client"][0]), scope)(scope, receive, send)

    def trusts(self, client: Sequence[object] | None) -> bool:
        """Whether an ASGI ``client`` may be served. None is a Unix socket, which its file's permissions guard."""
        if client is None:
            return True
        try:
            address = ip_address(str(client[0]))
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


def _unknown(address: str) -> Unauthorized:
    return Unauthorized(
        f"The address {address} is in none of the trusted networks. To be served, add its network to "
        "MEMSPAN_TRUSTED_NETWORKS where the service is started."
    )
