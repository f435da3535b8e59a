"""What a key asked for in a day is summed, so that a quota may limit it.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "charges",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("core_seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "day", name=op.f("pk_charges")),
    )


def downgrade() -> None:
    op.drop_table("charges")
