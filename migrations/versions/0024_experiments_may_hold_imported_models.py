"""Experiments may hold an imported model: one that nobody trained here.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiments", sa.Column("origin", sa.Text()))


def downgrade() -> None:
    op.drop_column("experiments", "origin")
