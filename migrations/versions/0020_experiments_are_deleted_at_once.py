"""Experiments are deleted at once: they are marked, and their rows go a few at a time.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiments", sa.Column("deleted_at", sa.Float()))
    op.create_index(op.f("ix_experiments_deleted_at"), "experiments", ["deleted_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_experiments_deleted_at"), "experiments")
    op.drop_column("experiments", "deleted_at")  # SQLite can, too: no table is made anew, to which rows refer
