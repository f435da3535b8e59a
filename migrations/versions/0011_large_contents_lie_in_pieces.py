"""Large weights and snapshots lie in pieces, and snapshots know their sha256.

What is stored stays as it is: a first piece may be of any size. The digests of snapshots are made one row at a time.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.execute("ALTER TABLE snapshots ADD COLUMN sha256 TEXT")
    op.execute("ALTER TABLE snapshots ADD COLUMN bytes BIGINT DEFAULT '0' NOT NULL")
    op.create_table(
        "uploads",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("sha256", sa.Text(), sa.ForeignKey("blobs.sha256", ondelete="CASCADE")),
        sa.Column("run_key", KEY, sa.ForeignKey("snapshots.run_key", ondelete="CASCADE")),
        sa.Column("touched_at", sa.Float(), nullable=False),
        sa.UniqueConstraint("sha256"),
        sa.UniqueConstraint("run_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pieces",
        sa.Column("upload", KEY, sa.ForeignKey("uploads.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    _digest_snapshots(op.get_bind())


def _digest_snapshots(connection: sa.Connection) -> None:
    for key in connection.execute(sa.text("SELECT run_key FROM snapshots")).scalars().all():
        data = connection.execute(sa.text("SELECT data FROM snapshots WHERE run_key = :key"), {"key": key}).scalar_one()
        values = {"key": key, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        connection.execute(
            sa.text("UPDATE snapshots SET sha256 = :sha256, bytes = :bytes WHERE run_key = :key"), values
        )


def downgrade() -> None:
    op.drop_table("pieces")
    op.drop_table("uploads")
    op.drop_column("snapshots", "bytes")
    op.drop_column("snapshots", "sha256")
