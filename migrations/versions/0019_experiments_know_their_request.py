"""Experiments know the request that submitted them, so that workers log its id with their runs.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiments", sa.Column("request_id", sa.Text()))


def downgrade() -> None:
    op.drop_column("experiments", "request_id")
