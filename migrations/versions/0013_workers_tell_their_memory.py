"""Workers tell how much memory they may take: experiments that no worker can hold are refused.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("memory_limit", sa.BigInteger()))


def downgrade() -> None:
    with op.batch_alter_table("workers") as workers:
        workers.drop_column("memory_limit")
