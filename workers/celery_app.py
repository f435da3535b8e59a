"""The Celery app: bells over Redis. A bell starts the work loop; the rows say what there is to do.

Messages are acknowledged early and no results are kept: losing, doubling or delaying one changes latency only.
"""

import atexit
import os
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from celery import Celery, signals

from service.logs import configure_logs
from service.operations import patrol
from service.operations.context import Context
from service.operations.inheritance import Inheritance
from service.private_files import keep_private
from service.queue.bell import bell_for
from service.queue.redis_bell import TASK
from service.queue_names import ALL, Queue, parsed
from service.settings import Settings, load_settings
from service.storage.database import WORKER, Database
from service.worker_share import worker_share
from workers.identity import PARENT_VARIABLE

QUEUES_VARIABLE = "MEMSPAN_WORKER_QUEUES"
DRAIN_VARIABLE = "MEMSPAN_WORKER_DRAIN"
MESSAGE_SECONDS = 600
"""after which a bell is passed on, so that no message lasts for ever"""
HUNG_SECONDS = 900
"""after which Celery kills the process: more than a message, a slice and its storing"""
WATCH_SECONDS = 1.0

log = structlog.stdlib.get_logger("memspan.worker")


def make_app(settings: Settings) -> Celery:
    """The app with every setting that matters; see docs/decisions for why each stands."""
    app = Celery("memspan", broker=settings.redis_url)
    transport = {
        "visibility_timeout": HUNG_SECONDS,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
    app.conf.update(
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        enable_utc=True,
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        task_publish_retry=False,
        task_time_limit=HUNG_SECONDS,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_pool="prefork",
        worker_pool_start_method="spawn",
        worker_proc_alive_timeout=60.0,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=transport,
        visibility_timeout=HUNG_SECONDS,
    )
    return app


settings = load_settings()
app = make_app(settings)


class Process:
    """What a pool process holds from its start to its end."""

    def __init__(self) -> None:
        import torch

        from workers.beat import Beat
        from workers.identity import identify
        from workers.loop import Loop

        torch.set_num_threads(settings.threads)
        self.context = Context(settings, Database(settings.database_url, WORKER), bell_for(settings.redis_url))
        self.identity = identify(
            parsed(os.environ.get(QUEUES_VARIABLE, ALL)), settings.worker_memory or worker_share(1)
        )
        self.beat = Beat(self.context, self.identity)
        self.deadline = float("inf")
        self.loop = Loop(self.context, self.identity, self.beat, self.leaving)
        self.beat.start()
        self.loop.warm()

    def leaving(self) -> bool:
        """Whether the parent is shutting down, or this message has lasted long enough."""
        return time.monotonic() > self.deadline or draining()

    def answer(self, queue: Queue) -> None:
        """Work on all that waits; pass the bell on when time ran out before the work did."""
        self.deadline = time.monotonic() + MESSAGE_SECONDS
        self.loop.work(self.identity.queues)
        if time.monotonic() > self.deadline:
            self.context.bell.ring(queue)


def draining() -> bool:
    """Whether the parent was told to stop: it puts a file where its children look."""
    path = os.environ.get(DRAIN_VARIABLE)
    return path is not None and Path(path).exists()


_process: Process | None = None


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def work(queue: str) -> None:
    """A bell: something waits in ``queue``."""
    if not draining():
        this_process().answer(Queue(queue))


def this_process() -> Process:
    """The state of this pool process, made at its first use."""
    global _process  # a pool process has one life and no other place to keep what spans its tasks
    if _process is None:
        _process = Process()
    return _process


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _logs_are_set_up(**_: Any) -> None:
    """Celery sets up no logs of its own where somebody answers this signal: its lines are written as ours are."""
    configure_logs(settings.log_level, settings.log_format, settings.secrets)


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
def _child_starts(**_: Any) -> None:
    this_process()


@signals.worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def _child_ends(**_: Any) -> None:
    if _process is not None:
        _process.beat.end()


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def _parent_starts(sender: Any = None, **_: Any) -> None:
    """Before the pool starts: what it makes is its owner's alone; a name for itself, a place to look for the end."""
    keep_private(settings.home, Database(settings.database_url).path)
    os.environ[PARENT_VARIABLE] = uuid4().hex
    folder = tempfile.mkdtemp(prefix="memspan-")
    os.environ[DRAIN_VARIABLE] = str(Path(folder) / "drain")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    threading.Thread(target=_inherit, name="inheritance", daemon=True).start()


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _parent_watches(**_: Any) -> None:
    threading.Thread(target=_watch, name="patrol", daemon=True).start()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _parent_leaves(**_: Any) -> None:
    Path(os.environ[DRAIN_VARIABLE]).touch()


def _inherit() -> None:
    """Take back what this host's workers held before it was killed, while the pool starts."""
    context = Context(settings, Database(settings.database_url, WORKER), bell_for(settings.redis_url))
    inheritance = Inheritance(context, os.environ[PARENT_VARIABLE], socket.gethostname())
    done = False
    while not done:
        try:
            done = inheritance.look()
        except Exception as error:  # the database may be away; the next look finds out
            log.warning("not_inherited", error=str(error))
        time.sleep(WATCH_SECONDS)
    context.database.close()


def _watch() -> None:
    """Take back at once what a dead child held; walk the patrol when nobody else does."""
    context = Context(settings, Database(settings.database_url, WORKER), bell_for(settings.redis_url))
    owner, rounds = os.environ[PARENT_VARIABLE], 0
    beaten = Path(os.environ[DRAIN_VARIABLE]).with_name("beat")  # its age is what a container's health check looks at
    while True:
        try:
            patrol.reap(context, owner)
            if rounds % max(1, round(settings.lease_seconds / 12)) == 0:
                patrol.walk(context, owner)
            beaten.touch()
        except Exception as error:  # the database may be away; the next round finds out
            log.warning("patrol_stopped", error=str(error))
        rounds += 1
        time.sleep(WATCH_SECONDS)
