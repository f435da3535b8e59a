"""Experiments are kept by rules: for how long after their end, by label, and what is left of them then."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiments", sa.Column("kept", sa.Text()))
    op.create_table(
        "retention_rules",
        sa.Column("label", sa.Text(), primary_key=True),
        sa.Column("days", sa.Float(), nullable=False),
        sa.Column("keep", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("retention_rules")
    op.drop_column("experiments", "kept")
