"""A lease that has run out is taken back within moments."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from service.storage.clock import now
from service.storage.states import RunState
from service.storage.tables import probes, stacks

ADVICE = "Start the service: its patrol takes them back. memspan doctor --mend does it now."
LATE_SECONDS = 120.0


def find(connection: Connection) -> Iterator[str]:
    """Rows whose lease ended long ago."""
    for table in (stacks, probes):
        late = (table.c.state == RunState.RUNNING, table.c.lease_until < now() - LATE_SECONDS)
        count = connection.execute(select(func.count()).select_from(table).where(*late)).scalar_one()
        if count:
            yield f"{count} {table.name} hold leases that ended more than {LATE_SECONDS:g} s ago."
