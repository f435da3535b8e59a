"""The doctor: looks whether all that is stored holds together, and mends what can be mended while the service runs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from migrations.revision import newest
from service.operations import audit, patrol
from service.operations.action import Action
from service.operations.caller import ANYBODY, Caller
from service.operations.context import Context
from service.storage import space
from service.storage.checks import Check, every_check
from service.storage.database import stored_revision

MOST_FOUND = 100
"""sentences of one check; a thousandth one says no more"""
OWNER = "doctor"

log = structlog.stdlib.get_logger("memspan.doctor")


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        rule: what must hold.
        found: a sentence for each thing of which it doesn't.
        more: how many there are beside.
        mended: how many were mended; what is found is found after that.
        advice: what to do.
    """

    check: str
    rule: str
    found: Sequence[str] = field(default=())
    more: int = 0
    mended: int = 0
    advice: str = ""

    @property
    def sound(self) -> bool:
        return not self.found

    def document(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {**asdict(self), "found": list(self.found), "sound": self.sound}


def examined(context: Context, mend: bool = False, caller: Caller = ANYBODY) -> Iterator[Finding]:
    """What each check finds, one after the other; with ``mend``, after what could be mended was."""
    with context.database.reading() as connection:
        revision = stored_revision(connection)
    if revision != newest():
        said = f"The schema has the revision {revision}, and this Memspan needs {newest()}."
        yield Finding("schema", "The schema is the newest.", (said,), advice="Run memspan migrate.")
        return
    mended = _all_mended(context, caller) if mend else {}
    for check in every_check():
        yield _examined(context, check, mended.get(check.name, 0))


def _all_mended(context: Context, caller: Caller) -> dict[str, int]:
    """Mend what can be mended; by check how much. What was counted wrong may be all that kept an experiment active."""
    patrol.walk(context, OWNER)
    _rewrite(context)
    mended = {check.name: _mended(context, check, caller) for check in every_check()}
    if any(mended.values()):
        patrol.walk(context, OWNER)
    return mended


def _rewrite(context: Context) -> None:
    """A file of an older release gives nothing back until it is written anew, once; one with much to give, slowly."""
    path = context.database.path
    if path is None:
        return
    with context.database.reading() as connection:
        least = space.REWRITE_BYTES if space.shrinks(connection) else space.WORTH_BYTES
        needed = space.free_bytes(connection) >= least
    if needed:
        log.info("database_rewritten", bytes=space.rewrite(path))


def _examined(context: Context, check: Check, mended: int) -> Finding:
    try:
        found, more = _found(context, check)
    except Exception as error:  # what is damaged enough can't even be read; the other checks still can
        log.warning("check_failed", check=check.name, exc_info=error)
        found, more = [f"It could not be looked at: {type(error).__name__}; the log tells more."], 0
    return Finding(check.name, check.rule, tuple(found), more, mended, check.advice if found else "")


def _found(context: Context, check: Check) -> tuple[list[str], int]:
    found: list[str] = []
    more = 0
    with context.database.reading() as connection:
        for sentence in check.find(connection):
            if len(found) < MOST_FOUND:
                found.append(sentence)
            else:
                more += 1
    return found, more


def _mended(context: Context, check: Check, caller: Caller) -> int:
    """Mend in short units of work until nothing is left, or it can't even be read; the other checks still can."""
    total, done = 0, 1
    while check.mend is not None and done:
        try:
            with context.database.writing() as connection:
                done = check.mend(connection)
                if done:
                    audit.note(connection, caller, Action.MEND, check.name, 200, f"{done} mended")
        except Exception as error:
            log.warning("check_failed", check=check.name, exc_info=error)
            break
        total += done
    return total
