"""Retention: what is left of experiments some time after their end, by rules of their labels and one for all.

The patrol's leader carries it out, a little in every round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from service.operations import audit, deleting, ids
from service.operations.action import Action
from service.operations.caller import ANYBODY, Caller
from service.operations.context import Context
from service.operations.submission import word
from service.storage import deletion, experiments, retention
from service.storage.database import Connection
from service.storage.deletion import Freed
from service.storage.retention import EndedExperiment, Rule
from service.storage.states import ACTIVE, Keep

ORDER = (None, *Keep)
"""what is kept, from everything to nothing"""
UNITS_AT_ONCE = 5
"""units of work of one round of the patrol"""
COUNTING_SECONDS = 0.25
REMOVING_SECONDS = 0.5
"""that an experiment which goes whole may take of that"""

log = structlog.stdlib.get_logger("memspan.retention")


@dataclass(frozen=True)
class Due:
    """An experiment of which a rule leaves less than there is; ``label`` is the rule's, None that of the setting."""

    key: int
    name: str
    label: str | None
    keep: Keep

    @property
    def caller(self) -> Caller:
        """The rule, as the audit trail names who did it."""
        return Caller(name="retention, " + ("MEMSPAN_RETENTION_DAYS" if self.label is None else f"rule {self.label}"))


@dataclass(frozen=True)
class Forecast(Due):
    """What bringing it to that would free: rows, and bytes that nobody else uses."""

    rows: int
    bytes: int


def due(context: Context, connection: Connection) -> list[Due]:
    """What is to be done by the rules as they stand, the oldest first."""
    rules = retention.rules(connection)
    days = [rule.days for rule in rules] + (
        [context.settings.retention_days] if context.settings.retention_days else []
    )
    if not days:
        return []
    found = (_due(row, rules, context.settings.retention_days) for row in retention.older(connection, min(days)))
    return [each for each in found if each is not None]


def _due(row: EndedExperiment, rules: Sequence[Rule], days: float | None) -> Due | None:
    """What a rule asks of an experiment. Of several the one that keeps most, and longest, is followed."""
    mine = [rule for rule in rules if f" {word('label', rule.label)} " in row.kinds]
    if mine:
        rule = min(mine, key=lambda each: (ORDER.index(each.keep), -each.days))
        label, after, keep = rule.label, rule.days, rule.keep
    elif days is not None:
        label, after, keep = None, days, Keep.NOTHING
    else:
        return None
    if row.age_days < after or ORDER.index(keep) <= ORDER.index(Keep(row.kept) if row.kept else None):
        return None
    return Due(row.key, row.name, label, keep)


def forecast(context: Context) -> list[Forecast]:
    """What would go now, and what it frees; nothing is changed."""
    with context.database.reading() as connection:
        return [
            Forecast(each.key, each.name, each.label, each.keep, freed.rows, freed.bytes)
            for each in due(context, connection)
            for freed in [retention.size(connection, each.key, each.keep)]
        ]


def carry_out(context: Context, units: int = UNITS_AT_ONCE) -> bool:
    """Do some of what is due, in short units of work; whether something may be left."""
    with context.database.reading() as connection:
        waiting = due(context, connection)
    for each in waiting:
        while units > 0:
            units -= 1
            if _a_portion(context, each):
                break
        if units <= 0:
            return True
    return False


def _a_portion(context: Context, each: Due) -> bool:
    """One unit of work of it; whether that was the last. An experiment that was asked to go on meanwhile stays."""
    name = ids.public(ids.EXPERIMENT, each.key)
    with context.database.writing() as connection:
        row = experiments.lock(connection, each.key)
        if row is None or row.state in ACTIVE:
            return True
        if each.keep is Keep.NOTHING and row.kept == Keep.RESULTS:
            freed, ended = deletion.size(connection, each.key, COUNTING_SECONDS), True
            deletion.mark(connection, each.key)
            audit.note(connection, each.caller, Action.DELETE_EXPERIMENT, name, 204, row.name)
        else:
            least = Keep.RESULTS if each.keep is Keep.NOTHING else each.keep
            freed = retention.drop_some(connection, each.key, least)
            ended = freed == Freed(0, 0) and each.keep is not Keep.NOTHING
            if freed.rows:
                said = f"{least} is kept; {freed.rows} rows and {freed.bytes} bytes are gone"
                audit.note(connection, each.caller, Action.DROP_WEIGHTS, name, 200, said)
    if each.keep is Keep.NOTHING and ended:
        deleting.remove(context, each.key, REMOVING_SECONDS)  # what it does not manage, the patrol does
    if freed.rows:
        log.info("retention", experiment=name, rule=each.label, keep=each.keep, rows=freed.rows, bytes=freed.bytes)
    return ended


def put(context: Context, rule: Rule, caller: Caller = ANYBODY) -> None:
    """Store a rule of a label."""
    with context.database.writing() as connection:
        retention.put(connection, rule)
        said = f"{rule.days:g} days after their end, {rule.keep} is kept"
        audit.note(connection, caller, Action.PUT_RETENTION_RULE, rule.label, 200, said)


def remove(context: Context, label: str, caller: Caller = ANYBODY) -> bool:
    """Remove the rule of a label; whether there was one."""
    with context.database.writing() as connection:
        there = retention.remove(connection, label)
        if there:
            audit.note(connection, caller, Action.REMOVE_RETENTION_RULE, label, 200)
    return there


def rules(context: Context) -> list[Rule]:
    """All rules by label."""
    with context.database.reading() as connection:
        return retention.rules(connection)
