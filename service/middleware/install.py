"""Installing all middleware in the one order that works."""

from fastapi import FastAPI

from service.middleware.access import Access
from service.middleware.access_log import AccessLog
from service.middleware.body_limit import BodyLimit
from service.middleware.body_turns import BodyTurns
from service.middleware.compression import Compression
from service.middleware.handlers import install_handlers
from service.middleware.head import Head
from service.middleware.host import HostAndOrigin
from service.middleware.idempotency import Idempotency, Ledger
from service.middleware.keyring import Keyring
from service.middleware.last_resort import LastResort
from service.middleware.permission import Permission
from service.middleware.rate_limits import RateLimits
from service.middleware.refusals import Refusals
from service.middleware.request_id import RequestId
from service.middleware.security_headers import SecurityHeaders
from service.middleware.upload import Uploads
from service.pools import Pools
from service.settings import Settings


def install_middleware(app: FastAPI, settings: Settings, ledger: Ledger, keyring: Keyring) -> None:
    """Wrap the application in all middleware; leave ``settings``, ``keyring``, ``rate_limits``, ``pools`` in its state.

    The id comes first, since all others speak of it; then the log, which must see every status. Who may not ask is
    refused before a byte of the body is read, and before a stored answer could be repeated to him.
    """
    app.state.settings, app.state.keyring, app.state.rate_limits = settings, keyring, RateLimits(settings)
    app.state.pools = Pools(settings.max_waiting)
    install_handlers(app)
    # The last one added is the outermost.
    app.add_middleware(Idempotency, ledger=ledger)
    app.add_middleware(
        BodyTurns,
        most_bytes=settings.max_bodies_bytes,
        largest=settings.max_body_bytes,
        waiting=settings.max_waiting,
    )
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(
        Uploads,
        folder=settings.home,
        most_bytes={"/datasets": (settings.max_dataset_bytes, "MEMSPAN_MAX_DATASET_BYTES")},
    )
    app.add_middleware(Permission)
    app.add_middleware(Access, keyring=keyring, networks=settings.trusted_networks, limits=app.state.rate_limits)
    app.add_middleware(HostAndOrigin, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(Refusals, keyring=keyring)
    app.add_middleware(Compression)
    app.add_middleware(Head)
    app.add_middleware(LastResort)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(AccessLog)
    app.add_middleware(RequestId)
