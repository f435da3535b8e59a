"""Experiments know their place in a study: at which scale, under which name, and what was started with them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = {"study_scale": sa.Text, "study_part": sa.Text, "study_group": sa.BigInteger}
INDEX = "ix_experiments_study_study_group"


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("experiments", sa.Column(name, kind(), nullable=True))
    op.create_index(INDEX, "experiments", ["study", "study_group"])


def downgrade() -> None:
    op.drop_index(INDEX, "experiments")
    with op.batch_alter_table("experiments") as batch_op:
        for name in COLUMNS:
            batch_op.drop_column(name)
