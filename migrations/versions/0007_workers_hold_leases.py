"""What a worker holds is a lease everywhere; a claim is what a study claims.

Columns are renamed in place: no row is written. A worker of an older release has to be started again.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEXED = ("runs", "probes")


def upgrade() -> None:
    _rename("claim", "lease")


def downgrade() -> None:
    _rename("lease", "claim")


def _rename(old: str, new: str) -> None:
    for table in INDEXED:
        op.drop_index(f"ix_{table}_{old}", table)
    for table in (*INDEXED, "workers"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for table in INDEXED:
        op.create_index(f"ix_{table}_{new}", table, [new])
