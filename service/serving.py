"""Serving: the API in this process, with local workers beside it or without.

What takes long is imported here, in an order that lets others begin: the address is taken, the database gets its
schema, a worker is started, and only then comes what answers requests.
"""

import os

from service.deadline import Deadline
from service.gc_pause import gc_paused
from service.listening import bound
from service.local_workers import LocalWorkers


def serve_all(host: str, port: int, count: int) -> None:
    """API, dashboard and local workers, until this process is asked to stop."""
    listening = bound(host, port)
    with LocalWorkers(count) as workers:
        with gc_paused():
            from memspan.engine.machine_memory import VARIABLE
            from service.preparation import prepared, require_guard
            from service.worker_share import worker_share

            settings = prepared()
            require_guard(host, settings)
            memory = settings.worker_memory or worker_share(count)
            settings = settings.model_copy(update={"worker_memory": memory})
            workers.give({VARIABLE: str(int(memory))})
            workers.start(max(1, (os.cpu_count() or 1) - 1))  # a core is left to this process, until it can answer
            from service.app import create_app
            from service.operations.context import Context
            from service.queue.bell import LocalBell
            from service.server import run_server
            from service.storage.database import Database
            from service.supervisor import Supervisor

            context = Context(settings, Database(settings.database_url), LocalBell(workers.wake))
            app = create_app(context)
        with Supervisor(workers, context):
            run_server(app, listening, Deadline(last=workers.kill))


def serve_api(host: str, port: int) -> None:
    """API and dashboard alone, until this process is asked to stop; workers run elsewhere."""
    listening = bound(host, port)
    with gc_paused():
        from service.app import create_app
        from service.operations.context import Context
        from service.preparation import prepared, require_guard
        from service.queue.bell import bell_for
        from service.server import run_server, watched
        from service.storage.database import Database

        settings = prepared()
        require_guard(host, settings)
        context = Context(settings, Database(settings.database_url), bell_for(settings.redis_url))
        app = create_app(context)
    with watched(context):
        run_server(app, listening)
