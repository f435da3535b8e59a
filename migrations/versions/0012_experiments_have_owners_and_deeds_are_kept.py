"""Experiments and probes have an owner; who did what is kept in a table that is only added to.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ONLY_ADDED_TO = "The audit trail is only added to."
SQLITE = """
CREATE TRIGGER audit_refuses_{verb} BEFORE {verb} ON audit
BEGIN SELECT RAISE(ABORT, '{reason}'); END
"""
FUNCTION = """
CREATE OR REPLACE FUNCTION memspan_audit_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{reason}'; END $$
"""
POSTGRESQL = """
CREATE TRIGGER audit_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION memspan_audit_is_only_added_to()
"""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("caller", sa.Text()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("object", sa.Text()),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    for column in ("at", "caller", "object"):
        op.create_index(op.f(f"ix_audit_{column}"), "audit", [column])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FUNCTION.format(reason=ONLY_ADDED_TO))
        op.execute(POSTGRESQL)
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(SQLITE.format(verb=verb, reason=ONLY_ADDED_TO))
    op.add_column("experiments", sa.Column("owner", sa.Text()))
    op.add_column("probes", sa.Column("owner", sa.Text()))
    op.create_index(op.f("ix_experiments_owner"), "experiments", ["owner"])


def downgrade() -> None:
    op.drop_index(op.f("ix_experiments_owner"), "experiments")
    for table in ("probes", "experiments"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN owner")
    op.drop_table("audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION memspan_audit_is_only_added_to()")
