"""Stacks are rows of their own, with leases and turns; runs are counted by increments instead of one by one.

What is queued, running or resting goes on where it stood: a stack is made of the open runs that would have been claimed
together. A worker of an older release has to be started again; what it holds comes back when its lease ends.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GONE = (
    "stack",
    "stack_seconds",
    "run_seconds",
    "lost",
    "lease",
    "worker",
    "lease_until",
    "resume_epoch",
    "resume_step",
)
"""columns of runs that their stacks have"""
INDEXES = (
    ("experiment_key", "state", "stack_seconds"),
    ("experiment_key", "state", "queue"),
    ("state", "lease_until"),
    ("lease",),
)
OPEN = "('queued', 'running')"
ACTIVE = "('queued', 'running', 'paused')"


def upgrade() -> None:
    _make_tables()
    _fill_tallies()
    _fill_conditions()
    _fill_stacks()
    for columns in INDEXES:
        op.drop_index("_".join(["ix_runs", *columns]), "runs")
    for name in GONE:  # in place, on SQLite too: a table that others point at is not made anew
        op.execute(f"ALTER TABLE runs DROP COLUMN {name}")
    op.create_index("ix_runs_stack_key", "runs", ["stack_key"])
    op.execute("ALTER TABLE experiments DROP COLUMN served_at")


def _make_tables() -> None:
    op.add_column("experiments", sa.Column("told_at", sa.Float(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("stack_key", sa.BigInteger(), nullable=True))
    experiment = sa.ForeignKeyConstraint
    op.create_table(
        "stacks",
        sa.Column("key", KEY, nullable=False),
        sa.Column("experiment_key", KEY, nullable=False),
        sa.Column("condition", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Float(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("run_seconds", sa.Float(), nullable=False),
        sa.Column("resume_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("resume_step", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        experiment(["experiment_key"], ["experiments.key"], name=op.f("fk_stacks_experiment_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_stacks")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stacks_queue_state_rank_turn_key", "stacks", ["queue", "state", "rank", "turn", "key"])
    op.create_index("ix_stacks_experiment_key_state_turn", "stacks", ["experiment_key", "state", "turn"])
    op.create_index("ix_stacks_lease", "stacks", ["lease"])
    op.create_table(
        "conditions",
        sa.Column("experiment_key", KEY, nullable=False),
        sa.Column("condition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        experiment(["experiment_key"], ["experiments.key"], name=op.f("fk_conditions_experiment_key")),
        sa.PrimaryKeyConstraint("experiment_key", "condition", name=op.f("pk_conditions")),
        sqlite_with_rowid=False,
    )
    counts = ("queued", "running", "succeeded", "failed", "cancelled")
    op.create_table(
        "tallies",
        sa.Column("experiment_key", KEY, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("epochs", "left_seconds", "modelled", "measured")),
        experiment(["experiment_key"], ["experiments.key"], name=op.f("fk_tallies_experiment_key")),
        sa.PrimaryKeyConstraint("experiment_key", "queue", "engine", "shard", name=op.f("pk_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "endings",
        sa.Column("key", KEY, nullable=False),
        sa.Column("experiment_key", sa.BigInteger(), nullable=False),
        sa.Column("condition", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_endings")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_endings_experiment_key", "endings", ["experiment_key"])


def _epochs() -> str:
    """The epochs that an experiment's runs are trained for, in its spec; 5 is the default of one that names none."""
    if op.get_bind().dialect.name == "postgresql":
        found = "CAST(e.spec -> 'training' ->> 'epochs' AS DOUBLE PRECISION)"
    else:
        found = "json_extract(e.spec, '$.training.epochs')"
    return f"COALESCE({found}, 5.0)"


def _fill_tallies() -> None:
    states = ", ".join(
        f"SUM(CASE WHEN r.state = '{state}' THEN 1 ELSE 0 END)"
        for state in ("queued", "running", "succeeded", "failed", "cancelled")
    )
    whole = "r.state = 'succeeded' AND r.diverged_at IS NULL"
    left = f"r.run_seconds * (1.0 - r.epochs_done / {_epochs()})"
    op.execute(f"""
        INSERT INTO tallies SELECT r.experiment_key, r.queue, r.engine, 0, {states}, SUM(r.epochs_done),
            SUM(CASE WHEN r.state IN {OPEN} THEN {left} ELSE 0.0 END),
            SUM(CASE WHEN {whole} THEN r.run_seconds ELSE 0.0 END),
            SUM(CASE WHEN {whole} THEN COALESCE(r.seconds, 0.0) ELSE 0.0 END)
        FROM runs r JOIN experiments e ON e.key = r.experiment_key GROUP BY r.experiment_key, r.queue, r.engine
    """)  # noqa: S608 - made of names and numbers of this file


def _fill_conditions() -> None:
    op.execute(f"""
        INSERT INTO conditions SELECT r.experiment_key, r.condition, SUM(CASE WHEN r.state IN {OPEN} THEN 1 ELSE 0 END)
        FROM runs r JOIN experiments e ON e.key = r.experiment_key
        WHERE e.state IN {ACTIVE} GROUP BY r.experiment_key, r.condition
    """)  # noqa: S608 - made of names and numbers of this file


def _fill_stacks() -> None:
    """Open runs of one place and position, under one lease if they run; an experiment's longest comes first."""
    mates = "experiment_key, condition, stack, queue, engine, state, resume_epoch, resume_step, lease"
    aside = "WHEN e.state = 'paused' OR e.cancelled_at IS NOT NULL THEN 'aside'"
    op.execute(f"""
        INSERT INTO stacks (experiment_key, condition, place, queue, engine, state, rank, turn, runs, seconds,
            run_seconds, resume_epoch, resume_step, lost, lease, worker, lease_until)
        SELECT g.experiment_key, g.condition, g.stack, g.queue, g.engine,
            CASE WHEN g.state = 'running' THEN 'running' {aside} ELSE 'queued' END, -e.priority,
            SUM(g.seconds) OVER (PARTITION BY g.experiment_key, g.queue ORDER BY g.seconds DESC, g.first
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - g.seconds,
            g.count, g.seconds, g.run_seconds, g.resume_epoch, g.resume_step, g.lost, g.lease, g.worker, g.lease_until
        FROM (
            SELECT {mates}, MAX(worker) AS worker, MAX(lease_until) AS lease_until, MAX(lost) AS lost,
                COUNT(*) AS count, MAX(stack_seconds) AS seconds, MAX(run_seconds) AS run_seconds, MIN(key) AS first
            FROM runs WHERE state IN {OPEN} GROUP BY {mates}
        ) g JOIN experiments e ON e.key = g.experiment_key
        ORDER BY g.first
    """)  # noqa: S608 - made of names and numbers of this file
    op.create_index("ix_stacks_mates", "stacks", ["experiment_key", "condition", "place", "resume_epoch"])
    op.execute(f"""
        UPDATE runs SET stack_key = (
            SELECT s.key FROM stacks s
            WHERE s.experiment_key = runs.experiment_key AND s.condition = runs.condition AND s.place = runs.stack
                AND s.resume_epoch = runs.resume_epoch AND s.resume_step = runs.resume_step
                AND (s.state = 'running') = (runs.state = 'running')
                AND COALESCE(s.lease, '') = COALESCE(runs.lease, '')
        ) WHERE state IN {OPEN}
    """)  # noqa: S608 - made of names and numbers of this file
    op.drop_index("ix_stacks_mates", "stacks")


def downgrade() -> None:
    """What runs waits again: an older release knows leases of runs, and nobody holds one."""
    op.add_column("experiments", sa.Column("served_at", sa.Float(), nullable=True))
    op.execute("ALTER TABLE experiments DROP COLUMN told_at")
    columns = {
        "stack": sa.Column("stack", sa.Integer(), nullable=False, server_default="0"),
        "stack_seconds": sa.Column("stack_seconds", sa.Float(), nullable=False, server_default="0"),
        "run_seconds": sa.Column("run_seconds", sa.Float(), nullable=False, server_default="0"),
        "lost": sa.Column("lost", sa.Integer(), nullable=False, server_default="0"),
        "lease": sa.Column("lease", sa.Text(), nullable=True),
        "worker": sa.Column("worker", sa.Text(), nullable=True),
        "lease_until": sa.Column("lease_until", sa.Float(), nullable=True),
        "resume_epoch": sa.Column("resume_epoch", sa.Integer(), nullable=False, server_default="0"),
        "resume_step": sa.Column("resume_step", sa.Integer(), nullable=False, server_default="0"),
    }
    for column in columns.values():
        op.add_column("runs", column)
    of_stack = ", ".join(
        f"{name} = COALESCE((SELECT s.{source} FROM stacks s WHERE s.key = runs.stack_key), 0)"  # noqa: S608 - likewise
        for name, source in (
            ("stack_seconds", "seconds"),
            ("run_seconds", "run_seconds"),
            ("lost", "lost"),
            ("resume_epoch", "resume_epoch"),
            ("resume_step", "resume_step"),
        )
    )
    op.execute(f"UPDATE runs SET stack = repeat / width, {of_stack}")  # noqa: S608 - likewise
    op.execute("UPDATE runs SET state = 'queued' WHERE state = 'running'")
    for name in INDEXES:
        op.create_index("_".join(["ix_runs", *name]), "runs", list(name))
    op.drop_index("ix_runs_stack_key", "runs")
    op.execute("ALTER TABLE runs DROP COLUMN stack_key")
    for table in ("endings", "tallies", "conditions", "stacks"):
        op.drop_table(table)
