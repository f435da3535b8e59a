"""The tables. Times are seconds since 1970 UTC by the database's clock; keys are whole numbers shown as opaque ids."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from service.queue_names import Queue
from service.scopes import Scope
from service.storage.columns import Detail, Named, QueueList
from service.storage.states import ExperimentState, Keep, Reason, RunState, StackState

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up only columns that are called INTEGER."""

experiments = Table(
    "experiments",
    metadata,
    Column("key", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("state", Named(ExperimentState), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("kinds", Text, nullable=False),  # " task:latch model:lstm label:x ", for filters
    Column("study", Text),  # kind of the study that it is part of
    Column("study_scale", Text),
    Column("study_part", Text),  # its name within the study
    Column("owner", Text),  # name of the key that submitted it; null where there was none
    Column("request_id", Text),  # of the request that submitted it; workers log it with its runs
    Column("study_group", BigInteger),  # what was started together: the key of its first experiment
    Column("runs", Integer, nullable=False),
    Column("probe_seconds", Float, nullable=False, server_default="0"),  # of the answers to its own probes, estimated
    Column("idempotency_key", Text, unique=True),
    Column("event_sequence", BigInteger, nullable=False, server_default="0"),
    Column("counts", JSON),  # of runs by state and progress, once the state is final
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("cancelled_at", Float),  # when somebody asked for it
    Column("told_at", Float, nullable=False, server_default="0"),  # when listeners were last told of its progress
    Column("kept", Text),  # what retention has left of its weights: best, results; null: all
    Column("origin", Text),  # imported: its model was made elsewhere; null: trained here
    Column("deleted_at", Float),  # when somebody deleted it: nobody is shown it, and its rows go a few at a time
    Index(None, "state"),
    Index(None, "study", "study_group"),
    Index(None, "owner"),
    Index(None, "deleted_at"),
    sqlite_autoincrement=True,
)

runs = Table(
    "runs",
    metadata,
    Column("key", Key, primary_key=True),
    Column("experiment_key", ForeignKey("experiments.key"), nullable=False),
    Column("condition", Integer, nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("round", Integer, nullable=False, server_default="1"),  # of a length search
    Column("seed", BigInteger, nullable=False),
    Column("engine", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("stack_key", BigInteger),  # the stack that it waits or is trained in; one that has ended is gone
    Column("queue", Named(Queue), nullable=False),
    Column("state", Named(RunState), nullable=False),
    Column("reason", Named(Reason)),
    Column("detail", Detail),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("epochs_done", Float, nullable=False, server_default="0"),
    Column("diverged_at", Integer),
    Column("seconds", Float),
    Column("metrics", JSON),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("processor", Text),  # the kind that its numbers are of, once they are final
    Column("by_lag", JSON(none_as_null=True)),  # answers of the test by lag, of tasks that tell lags
    UniqueConstraint("experiment_key", "condition", "repeat"),
    Index(None, "stack_key"),
    sqlite_autoincrement=True,
)

stacks = Table(
    "stacks",
    metadata,
    Column("key", Key, primary_key=True),
    Column("experiment_key", ForeignKey("experiments.key"), nullable=False),
    Column("condition", Integer, nullable=False),
    Column("place", Integer, nullable=False),  # its number within the condition
    Column("queue", Named(Queue), nullable=False),
    Column("engine", Text, nullable=False),
    Column("state", Named(StackState), nullable=False),
    Column("rank", Integer, nullable=False),  # the lowest goes first: the experiment's priority, negated
    Column("turn", Float, nullable=False),  # within a rank: seconds of work that others of the experiment go before it
    Column("runs", Integer, nullable=False),  # how many
    Column("seconds", Float, nullable=False),  # that it takes, estimated
    Column("run_seconds", Float, nullable=False),  # what each of its runs adds to that
    Column("resume_epoch", Integer, nullable=False, server_default="0"),
    Column("resume_step", Integer, nullable=False, server_default="0"),
    Column("lost", Integer, nullable=False, server_default="0"),  # leases lost in a row without a stored slice
    Column("lease", Text),
    Column("worker", Text),
    Column("lease_until", Float),
    Index(None, "queue", "state", "rank", "turn", "key"),
    Index(None, "experiment_key", "state", "turn"),
    Index(None, "lease"),
    sqlite_autoincrement=True,
)

conditions = Table(
    "conditions",
    metadata,
    Column("experiment_key", ForeignKey("experiments.key"), primary_key=True),
    Column("condition", Integer, primary_key=True, autoincrement=False),
    Column("open", Integer, nullable=False),  # its runs that have something to do
    sqlite_with_rowid=False,
)

tallies = Table(
    "tallies",
    metadata,
    Column("experiment_key", ForeignKey("experiments.key"), primary_key=True),
    Column("queue", Named(Queue), primary_key=True),
    Column("engine", Text, primary_key=True),
    Column("shard", Integer, primary_key=True, autoincrement=False),  # workers add to rows of their own
    Column("queued", Integer, nullable=False),
    Column("running", Integer, nullable=False),
    Column("succeeded", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("cancelled", Integer, nullable=False),
    Column("epochs", Float, nullable=False),  # done
    Column("left_seconds", Float, nullable=False),  # of open runs, by the model of cost
    Column("modelled", Float, nullable=False),  # seconds, by the model of cost, of runs that succeeded at full length
    Column("measured", Float, nullable=False),  # seconds that those took
    sqlite_with_rowid=False,
)

endings = Table(
    "endings",
    metadata,
    Column("key", Key, primary_key=True),
    Column("experiment_key", BigInteger, nullable=False),  # no foreign key: every insertion would lock the experiment
    Column("condition", Integer, nullable=False),
    Column("state", Named(RunState), nullable=False),
    Column("count", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Index(None, "experiment_key"),
    sqlite_autoincrement=True,
)

metrics = Table(
    "metrics",
    metadata,
    Column("run_key", ForeignKey("runs.key"), primary_key=True),
    Column("split", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("value", Float),
    Column("kind", SmallInteger, nullable=False),  # 0 finite, 1 NaN, 2 Infinity, 3 -Infinity
    sqlite_with_rowid=False,
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),  # the first piece; what is larger goes on in an upload
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("key", Key, primary_key=True),
    Column("run_key", ForeignKey("runs.key"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("sha256", ForeignKey("blobs.sha256"), nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("run_key", "kind"),
    Index(None, "sha256"),
    sqlite_autoincrement=True,
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("run_key", ForeignKey("runs.key"), primary_key=True),
    Column("sha256", Text),  # null: stored by a worker of an older release; its run starts again
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Column("data", LargeBinary, nullable=False),  # the first piece
)

uploads = Table(
    "uploads",
    metadata,
    Column("key", Key, primary_key=True),
    Column("sha256", ForeignKey("blobs.sha256", ondelete="CASCADE"), unique=True),  # whose pieces these are,
    Column("run_key", ForeignKey("snapshots.run_key", ondelete="CASCADE"), unique=True),  # once they are all there
    Column("touched_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

pieces = Table(
    "pieces",
    metadata,
    Column("upload", ForeignKey("uploads.key", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1: the first lies with what it is of
    Column("data", LargeBinary, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    Column("key", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", ForeignKey("blobs.sha256"), nullable=False),  # of what was understood, not of what was sent
    Column("bytes", BigInteger, nullable=False),  # of that
    Column("description", JSON, nullable=False),
    Column("preview", JSON, nullable=False),
    Column("owner", Text),  # name of the key that sent it; null where there was none
    Column("created_at", Float, nullable=False),
    Index(None, "sha256"),
    Index(None, "owner"),
    sqlite_autoincrement=True,
)

probes = Table(
    "probes",
    metadata,
    Column("key", Key, primary_key=True),
    Column("experiment_key", ForeignKey("experiments.key"), nullable=False),
    Column("condition", Integer, nullable=False),
    Column("checkpoint_key", ForeignKey("checkpoints.key")),  # null: all repeats of the condition
    Column("checkpoint_kind", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("fingerprint", Text, nullable=False, unique=True),
    Column("required", Boolean, nullable=False),  # by the experiment's own spec
    Column("owner", Text),  # name of the key that asked it; null: the experiment's own spec, or no key
    Column("state", Named(RunState), nullable=False),
    Column("reason", Named(Reason)),
    Column("detail", Detail),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("lost", Integer, nullable=False, server_default="0"),
    Column("lease", Text),
    Column("worker", Text),
    Column("lease_until", Float),
    Column("n", Integer),
    Column("result", JSON),
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    Index(None, "experiment_key", "state"),
    Index(None, "checkpoint_key"),
    Index(None, "state", "lease_until"),
    Index(None, "lease"),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    metadata,
    Column("experiment_key", ForeignKey("experiments.key"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", JSON, nullable=False),
    sqlite_with_rowid=False,
)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("parent", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("queues", QueueList, nullable=False),
    Column("device", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("lease", Text),
    Column("started_at", Float, nullable=False),
    Column("beat_at", Float, nullable=False),
    Column("memory_bytes", BigInteger),  # resident, at its last beat
    Column("memory_limit", BigInteger),  # bytes that it may take; null of a worker that is older than the column
)

paces = Table(
    "paces",
    metadata,
    Column("host", Text, primary_key=True),
    Column("work", Text, primary_key=True),  # fused, torch, gpu, probe
    Column("modelled", Float, nullable=False),  # seconds by the model of cost; older ones fade
    Column("measured", Float, nullable=False),  # seconds that passed
    Column("noted_at", Float, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("label", Text, primary_key=True),  # of what there are several: a state, a reason; else empty
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("value", Float, nullable=False),
)

leaderships = Table(
    "leaderships",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Float, nullable=False),
)

retention_rules = Table(
    "retention_rules",
    metadata,
    Column("label", Text, primary_key=True),
    Column("days", Float, nullable=False),
    Column("keep", Named(Keep), nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer),  # null while the first request is still running
    Column("headers", JSON),
    Column("body", LargeBinary),
    Column("created_at", Float, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("key", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", Named(Scope), nullable=False),
    Column("sha256", Text, nullable=False, unique=True),  # of the secret, which is stored nowhere
    Column("hint", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("used_at", Float),
    Column("queued_runs", BigInteger),  # quotas; null: none
    Column("stored_bytes", BigInteger),
    Column("core_seconds", BigInteger),
    # A name means one who is let in at a time; a revoked key leaves its name to the next.
    Index(
        None, "name", unique=True, sqlite_where=text("revoked_at IS NULL"), postgresql_where=text("revoked_at IS NULL")
    ),
    sqlite_autoincrement=True,
)

audit = Table(  # triggers refuse to change or delete a row: see its migration
    "audit",
    metadata,
    Column("key", Key, primary_key=True),
    Column("at", Float, nullable=False),
    Column("caller", Text),
    Column("action", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("object", Text),
    Column("status", Integer, nullable=False),
    Column("address", Text),
    Column("request_id", Text, nullable=False),
    Column("detail", Text),
    Index(None, "at"),
    Index(None, "caller"),
    Index(None, "object"),
    sqlite_autoincrement=True,
)

charges = Table(
    "charges",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # since 1970 UTC
    Column("core_seconds", Float, nullable=False),  # that were asked for, as plans estimate them
)

sessions = Table(  # of browsers; each stands for a key
    "sessions",
    metadata,
    Column("sha256", Text, primary_key=True),  # of the cookie, which is stored nowhere
    Column("api_key", ForeignKey("keys.key"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Index(None, "api_key"),
)
