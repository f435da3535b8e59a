"""Data sets of users: what was understood of a file, beside weights in the same pieces.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "datasets",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("preview", sa.JSON(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_datasets_sha256")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_datasets")),
        sqlite_autoincrement=True,
    )
    for column in ("sha256", "owner"):
        op.create_index(op.f(f"ix_datasets_{column}"), "datasets", [column])


def downgrade() -> None:
    op.drop_table("datasets")
