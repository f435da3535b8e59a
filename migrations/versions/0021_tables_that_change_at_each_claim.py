"""Tables that change at each claim leave room in their pages and are cleaned often.

A run changes twice and a tally with every stack: where the new version of a row fits into the page of the old one, no
index has to be told (HOT). And a claim steps over what has left the head of the queue since the last cleaning, which by
default begins once a fifth of the table has changed: of a million stacks, two hundred thousand. SQLite changes rows in
place.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

FILLED = {"runs": 70, "tallies": 40, "conditions": 60, "stacks": 85}
"""percent of a page that new rows take"""
CLEANED = ("stacks", "tallies", "conditions", "endings")
"""tables that are cleaned once some thousand rows have changed, however many there are"""
OFTEN = {
    "autovacuum_vacuum_scale_factor": 0.0,
    "autovacuum_vacuum_threshold": 2_000,
    "autovacuum_analyze_scale_factor": 0.02,
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, percent in FILLED.items():
        op.execute(f"ALTER TABLE {table} SET (fillfactor = {percent})")
    settings = ", ".join(f"{name} = {value}" for name, value in OFTEN.items())
    for table in CLEANED:
        op.execute(f"ALTER TABLE {table} SET ({settings})")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in FILLED:
        op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
    for table in CLEANED:
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(OFTEN)})")
