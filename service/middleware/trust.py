"""Trust: the networks whose clients are served while there is no key."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

from service.errors import Unauthorized
from service.settings import Network

OPEN_PATHS = frozenset({"/health/live", "/health/ready"})
"""Served to everybody: an orchestrator must be able to ask whether the process lives."""


def trusts(networks: Sequence[Network], client: Sequence[object] | None) -> bool:
    """Whether an ASGI ``client`` is in one of the networks. None is a Unix socket: its file's permissions guard it.

    The address is the connection's own. ``X-Forwarded-For`` is never read: anybody can write it.
    """
    if client is None:
        return True
    try:
        address = ip_address(str(client[0]))
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def unknown_network(address: str) -> Unauthorized:
    """What a client of another network is told."""
    return Unauthorized(
        f"There is no key yet, and the address {address} is in none of the trusted networks. To be served, make a key "
        "where the service runs (memspan keys create --name NAME --scope admin) and send it as 'Authorization: Bearer "
        "...', or add the network to MEMSPAN_TRUSTED_NETWORKS where the service is started."
    )
