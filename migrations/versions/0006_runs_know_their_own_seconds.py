"""Runs know their own share of the seconds of their stack; what was called cost were the seconds of the whole stack.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs") as runs:
        runs.drop_index("ix_runs_experiment_key_state_cost")
        runs.alter_column("cost", new_column_name="stack_seconds")
        runs.add_column(sa.Column("run_seconds", sa.Float(), nullable=False, server_default="0"))
    op.execute("UPDATE runs SET run_seconds = stack_seconds / width")
    with op.batch_alter_table("runs") as runs:
        runs.alter_column("run_seconds", server_default=None)
        runs.create_index("ix_runs_experiment_key_state_stack_seconds", ["experiment_key", "state", "stack_seconds"])


def downgrade() -> None:
    with op.batch_alter_table("runs") as runs:
        runs.drop_index("ix_runs_experiment_key_state_stack_seconds")
        runs.drop_column("run_seconds")
        runs.alter_column("stack_seconds", new_column_name="cost")
    with op.batch_alter_table("runs") as runs:
        runs.create_index("ix_runs_experiment_key_state_cost", ["experiment_key", "state", "cost"])
