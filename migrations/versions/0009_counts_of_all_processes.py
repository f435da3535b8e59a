"""What all processes have counted has a table; workers tell how much memory they have.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", "shard", name=op.f("pk_counters")),
    )
    op.add_column("workers", sa.Column("memory_bytes", sa.BigInteger()))


def downgrade() -> None:
    with op.batch_alter_table("workers") as workers:
        workers.drop_column("memory_bytes")
    op.drop_table("counters")
