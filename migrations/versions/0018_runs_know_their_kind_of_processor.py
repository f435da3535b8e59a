"""Runs know on which kind of processor they were trained.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("processor", sa.Text()))


def downgrade() -> None:
    op.drop_column("runs", "processor")
