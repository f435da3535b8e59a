"""Quotas: what a key may have waiting, have stored and ask for in a day; checked before more is taken on."""

import math
from dataclasses import dataclass

from service.errors import FieldError, QuotaExceeded, Unprocessable
from service.operations.caller import Caller
from service.storage import usage
from service.storage.database import Connection
from service.storage.keys import UNLIMITED
from service.storage.usage import DAY

WORDS = {
    "queued_runs": "runs that wait",
    "stored_bytes": "bytes of weights and data sets",
    "core_seconds": "seconds of one worker a day",
}


@dataclass(frozen=True)
class Demand:
    """What somebody asks for.

    Attributes:
        queued_runs: that will wait; of a length search those of its first round, and where settings are tuned those
            that are reported, too.
        stored_bytes: of weights, at most, or of a data set.
        core_seconds: of one worker, as the plan estimates them; of a length search for all its rounds.
    """

    queued_runs: int = 0
    stored_bytes: int = 0
    core_seconds: float = 0.0


def take(connection: Connection, caller: Caller, demand: Demand) -> None:
    """Charge a caller for what he asks for, in the unit of work that takes it on.

    Raises:
        Unprocessable: it is more than a quota allows even where nothing is used.
        QuotaExceeded: it is more than is left.
    """
    if caller.name is None:
        return
    for name, most in vars(caller.quota).items():
        asked = getattr(demand, name)
        if most is not None and asked > most:
            raise _too_much(caller.name, name, most, asked)
    # Whoever charges holds the row of the day, so two requests of a caller can't both take what is left.
    usage.charge(connection, caller.name, demand.core_seconds)
    if caller.quota != UNLIMITED:
        _check(connection, caller, caller.name, demand)


def _check(connection: Connection, caller: Caller, owner: str, demand: Demand) -> None:
    """Hold what is used, and asked for, against each limit that there is."""
    quota = caller.quota
    if quota.queued_runs is not None and demand.queued_runs:
        _hold(
            "queued_runs", owner, quota.queued_runs, usage.queued_runs(connection, [owner])[0], demand.queued_runs, 60
        )
    if quota.stored_bytes is not None and demand.stored_bytes:
        _hold(
            "stored_bytes",
            owner,
            quota.stored_bytes,
            usage.stored_bytes(connection, [owner])[0],
            demand.stored_bytes,
            3600,
        )
    if quota.core_seconds is not None:
        used = usage.charged(connection, [owner])[0] - demand.core_seconds
        left = math.ceil(DAY - usage.seconds_of_day(connection))
        _hold("core_seconds", owner, quota.core_seconds, used, demand.core_seconds, left)


def _hold(name: str, owner: str, most: int, used: float, asked: float, retry_after: int) -> None:
    if used + asked > most:
        message = (
            f"The key {owner!r} may have {most:,} {WORDS[name]} ({name}): it uses {math.ceil(used):,}, and "
            f"{math.ceil(asked):,} more are asked for."
        )
        raise QuotaExceeded(message, errors=[_error(name, message, asked)], headers={"Retry-After": str(retry_after)})


def _too_much(owner: str, name: str, most: int, asked: float) -> Unprocessable:
    message = f"The key {owner!r} may have {most:,} {WORDS[name]} ({name}), and {math.ceil(asked):,} are asked for."
    return Unprocessable(message, errors=[_error(name, message, asked)])


def _error(name: str, message: str, asked: float) -> FieldError:
    return FieldError("#", f"quota_{name}", message, math.ceil(asked))
