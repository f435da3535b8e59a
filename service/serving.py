"""Serving: the API in this process, with local workers beside it or a patrol only."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from uuid import uuid4

import structlog
import uvicorn
from fastapi import FastAPI

from service.operations import patrol
from service.operations.context import Context
from service.queue.bell import LocalBell, bell_for
from service.settings import Settings
from service.storage.database import Database

STOP_SECONDS = 5

log = structlog.stdlib.get_logger("memspan.serving")


def serve_all(settings: Settings, host: str, port: int, workers: int) -> None:
    """API, dashboard and local workers, until this process is asked to stop."""
    from service.app import create_app
    from service.supervisor import Supervisor

    supervisor = Supervisor(workers)
    context = Context(settings, Database(settings.database_url), LocalBell(supervisor.wake))
    app = create_app(context)
    supervisor.start(context)
    try:
        run_server(app, host, port)
    finally:
        supervisor.stop()


def serve_api(settings: Settings, host: str, port: int) -> None:
    """API and dashboard alone, until this process is asked to stop; workers run elsewhere."""
    from service.app import create_app

    context = Context(settings, Database(settings.database_url), bell_for(settings.redis_url))
    with watched(context):
        run_server(create_app(context), host, port)


def run_server(app: FastAPI, host: str, port: int) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Forwarded addresses are not believed: who is trusted is decided by the connection itself.
    """
    configuration = uvicorn.Config(
        app,
        host=host,
        port=port,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = uvicorn.Server(configuration)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    listening = _bound(host, port)
    # Connections inherit it. Without, the kernel holds back an answer's second part for 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _announce(listening)
    server.run(sockets=[listening])


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the address.

    Raises:
        SystemExit: the address can't be had; left alone it ends the process with a sentence.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SystemExit(f"Memspan can't listen at {host}, port {port}: {error.strerror}.") from None
    return listening


def _leave(number: int, frame: FrameType | None) -> None:
    """Unwind the stack, so that whoever started something ends it.

    uvicorn passes on the signal that made it stop; left alone it would end this process at once.
    """
    raise SystemExit(0)


def _announce(listening: socket.socket) -> None:
    """Say where the dashboard is, for people and for programs that asked for port 0."""
    host, port = listening.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    print(f"Memspan serves at http://{shown}:{port}/results", flush=True)


@contextmanager
def watched(context: Context) -> Iterator[None]:
    """Walk the patrol in a thread while the API is served."""
    ended = threading.Event()
    owner = uuid4().hex

    def watch() -> None:
        while not ended.wait(context.settings.lease_seconds / 12):
            try:
                patrol.walk(context, owner)
            except Exception as error:  # the database may be away; the next round finds out
                log.warning("patrol_stopped", error=str(error))

    thread = threading.Thread(target=watch, name="patrol", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=STOP_SECONDS)
