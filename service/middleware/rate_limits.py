"""Rate limits: how often a key may ask; counted in Redis where there is one, else in this process."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool

from service.errors import TooManyRequests
from service.settings import Settings

FAILURES = "30/minute"
"""requests of one address without a key that works"""
AWAY_SECONDS = 30.0
"""Redis is not asked again so soon after it failed; meanwhile this process counts by itself"""
REDIS_SECONDS = 0.5
V6_NETWORK = 64

log = structlog.stdlib.get_logger("memspan.access")


@dataclass(frozen=True)
class Policy:
    """So many of a kind in a window."""

    name: str
    item: RateLimitItem

    @property
    def seconds(self) -> int:
        return int(self.item.get_expiry())


@dataclass(frozen=True)
class Standing:
    """How a caller stands under a policy: what remains, and seconds until the window is fresh."""

    policy: Policy
    remaining: int
    reset_seconds: int


class RateLimits:
    """Counts requests by key, and those without a key that works by address. Belongs to one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._requests = Policy("requests", parse(settings.rate_limit))
        self._submissions = Policy("submissions", parse(settings.submission_rate_limit))
        self._failures = Policy("failures", parse(FAILURES))
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._pool = _pool(settings.redis_url)
        self._shared = None if self._pool is None else _shared(str(settings.redis_url), self._pool)
        self._away_until = 0.0

    async def take(self, name: str, submits: bool) -> Sequence[Standing]:
        """Count a request of a key.

        Raises:
            TooManyRequests: with Retry-After.
        """
        policies = [self._requests, self._submissions] if submits else [self._requests]
        return [await self._counted(policy, name) for policy in policies]

    async def fail(self, address: str | None) -> None:
        """Count a request without a key that works.

        Raises:
            TooManyRequests: there were too many of the address.
        """
        await self._counted(self._failures, _network(address))

    def forget(self) -> None:
        """Begin to count anew in this process."""
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def close(self) -> None:
        """Let go of connections."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _counted(self, policy: Policy, identity: str) -> Standing:
        if policy is self._failures or self._shared is None or time.monotonic() < self._away_until:
            return await _hit(self._own, policy, identity)
        try:
            return await _hit(self._shared, policy, identity)
        except TooManyRequests:
            raise
        except Exception as error:  # whatever a client of Redis may raise: limits must not stop the service
            self._away_until = time.monotonic() + AWAY_SECONDS
            log.warning("rate_limits_counted_here", error=str(error))
            return await _hit(self._own, policy, identity)


async def _hit(limiter: SlidingWindowCounterRateLimiter, policy: Policy, identity: str) -> Standing:
    taken = await limiter.hit(policy.item, policy.name, identity)
    stats = await limiter.get_window_stats(policy.item, policy.name, identity)
    reset = max(math.ceil(stats.reset_time - time.time()), 1)
    standing = Standing(policy, max(int(stats.remaining), 0), min(reset, policy.seconds))
    if not taken:
        raise _too_many(standing, identity)
    return standing


def headers(standings: Sequence[Standing]) -> Mapping[str, str]:
    """Source: IETF draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4."""
    policies = [f'"{each.policy.name}";q={each.policy.item.amount};w={each.policy.seconds}' for each in standings]
    left = [f'"{each.policy.name}";r={each.remaining};t={each.reset_seconds}' for each in standings]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)} if standings else {}


def _too_many(standing: Standing, identity: str) -> TooManyRequests:
    policy = standing.policy
    whose = f"from {identity} without a key that works" if policy.name == "failures" else f"of the key {identity!r}"
    return TooManyRequests(
        f"There were more than {policy.item.amount} {NAMES[policy.name]} {whose} within {policy.seconds} s; ask again "
        f"in {standing.reset_seconds} s.",
        headers={"Retry-After": str(standing.reset_seconds), **headers([standing])},
    )


NAMES = {"requests": "requests", "submissions": "submissions", "failures": "requests"}


def _network(address: str | None) -> str:
    """An address as failures are counted by; of IPv6 its network of 64 bits, within which a client may choose."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return "nowhere"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) >> V6_NETWORK << V6_NETWORK))
    return str(found)


def _pool(url: str | None) -> ConnectionPool | None:
    """Connections to Redis that nobody waits for long."""
    if url is None:
        return None
    return ConnectionPool.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)


def _shared(url: str, pool: ConnectionPool) -> SlidingWindowCounterRateLimiter:
    """Counts for all processes."""
    options: dict[str, Any] = {"connection_pool": pool}  # its type names numbers and texts only
    storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix="memspan", **options)
    return SlidingWindowCounterRateLimiter(storage)
