"""Runs tell how many of their answers were right, by lag.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("by_lag", sa.JSON()))


def downgrade() -> None:
    op.drop_column("runs", "by_lag")
