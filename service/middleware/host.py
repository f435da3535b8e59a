"""Host and Origin: a page of some other site must not reach this service through its visitor's browser.

DNS rebinding: a site gives its own name the address 127.0.0.1, and the visitor's browser then takes this service for
that site. The name stays in ``Host``, so names that are not ours are refused; an address can't be rebound.
Cross-site requests: a browser tells in ``Origin`` whose page makes a request that may change something, and in
``Sec-Fetch-Site`` (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/) how that page is related to this service.
Some requests bear only one of the two; both are believed when they accuse.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import Forbidden, Misdirected, Problem
from service.middleware.problem_response import problem_response
from service.middleware.trust import OPEN_PATHS

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FETCH_SITE = "Sec-Fetch-Site"
OWN_PAGES = frozenset({"same-origin", "none"})
"""What a browser says of a request of this service's own pages, and of one that no page makes. A page of the same site
(another port of this machine, another name of the domain) is somebody else's, too."""
DEFAULT_PORTS = {"http": 80, "https": 443}
AUTHORITY = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


class HostAndOrigin:
    """Answers 421 for a host that isn't ours and 403 for a changing request from another site's page.

    421 (RFC 9110, 15.5.20) and not 403: nothing is forbidden to this client, the request is meant for an authority
    that this server doesn't answer for.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str] = ()) -> None:
        self.app = app
        self.allowed_hosts = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve requests that mean this service."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or (problem := self.problem(scope)) is None:
            await self.app(scope, receive, send)
            return
        await problem_response(problem, scope)(scope, receive, send)

    def problem(self, scope: Scope) -> Problem | None:
        """What is wrong with the request's Host or Origin, None if nothing is."""
        headers = Headers(scope=scope)
        hosts, origin = headers.getlist("host"), headers.get("origin")
        if len(hosts) != 1 or not self.serves(hosts[0]):
            return _not_ours(", ".join(hosts))
        if origin is not None and scope["method"] not in SAFE_METHODS and not same_site(origin, hosts[0]):
            return _other_site(origin, hosts[0])
        if scope["method"] not in SAFE_METHODS and headers.get(FETCH_SITE, "none").strip().lower() not in OWN_PAGES:
            return _other_page(headers[FETCH_SITE])
        return None

    def serves(self, host: str) -> bool:
        """Whether a Host header names this service: an address, localhost, or a name that settings allow."""
        found = AUTHORITY.fullmatch(host.lower())
        if found is None:
            return False
        name = (found["six"] or found["name"]).removesuffix(".")
        return name == "localhost" or name.endswith(".localhost") or name in self.allowed_hosts or _is_address(name)


def same_site(origin: str, host: str) -> bool:
    """Whether a page of ``origin`` (``http://localhost:8000``) was served under ``host`` (``localhost:8000``).

    Schemes aren't compared: a proxy in front may speak TLS. A host without a port has the one of the origin's scheme.
    """
    try:
        parts = urlsplit(origin.lower())
        default = DEFAULT_PORTS.get(parts.scheme)
        wanted = urlsplit(f"//{host.lower()}")
        return default is not None and (parts.hostname, parts.port or default) == (
            wanted.hostname,
            wanted.port or default,
        )
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _not_ours(host: str) -> Misdirected:
    return Misdirected(
        f"The host {host[:100]!r} is not served here. IP addresses and localhost are; add other names to "
        "MEMSPAN_ALLOWED_HOSTS."
    )


def _other_page(site: str) -> Forbidden:
    return Forbidden(f"A page of another origin ({FETCH_SITE}: {site[:40]!r}) may not change anything here.")


def _other_site(origin: str, host: str) -> Forbidden:
    return Forbidden(f"A page of {origin[:100]!r} may not change anything at {host!r}.")
