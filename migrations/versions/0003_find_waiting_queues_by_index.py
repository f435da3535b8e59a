"""Find waiting queues by index: idle workers look twice a second, however many runs wait."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME = "ix_runs_experiment_key_state_queue"


def upgrade() -> None:
    op.create_index(NAME, "runs", ["experiment_key", "state", "queue"])


def downgrade() -> None:
    op.drop_index(NAME, "runs")
