"""The server: answers requests, and walks the patrol where nobody else does."""

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from uuid import uuid4

import structlog
import uvicorn
from fastapi import FastAPI

from service.connections import Allowance, Connections, bounded
from service.deadline import Deadline
from service.descriptors import RESERVED, raise_descriptor_limit
from service.listening import announce
from service.operations import patrol
from service.operations.context import Context
from service.settings import Settings

STOP_SECONDS = 5
ACCEPTED_AT_ONCE = 16
"""Connections that are taken in one turn of the event loop, before any is looked at: each takes a descriptor, and some
of the turn, which all others wait for (`python -m benchmarks hostile` tells how long turns are)."""
WAITING_CONNECTIONS = 2_048
"""that the system keeps meanwhile"""
SWITCH_SECONDS = 0.001
"""After so long a thread that computes lets the event loop have its turn. By default it is 5 ms: with five such threads
25 ms for each of the ten turns or so that an answer takes."""

log = structlog.stdlib.get_logger("memspan.serving")


class Server(uvicorn.Server):
    """A server that is gone in time once it was asked to stop."""

    def __init__(self, configuration: uvicorn.Config, deadline: Deadline) -> None:
        super().__init__(configuration)
        self._deadline = deadline

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; more may wait for that than are taken in one turn."""
        await super().startup(sockets)
        for listening in sockets or []:
            listening.listen(WAITING_CONNECTIONS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in order, and be gone at the deadline."""
        self._deadline.begin()
        super().handle_exit(sig, frame)


def run_server(app: FastAPI, listening: socket.socket, deadline: Deadline | None = None) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Forwarded addresses are not believed: who is trusted is decided by the connection itself.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    settings: Settings = app.state.settings
    wanted = Allowance(settings.max_connections, settings.max_connections_per_client)
    book = Connections(wanted.within(raise_descriptor_limit(), RESERVED))
    configuration = uvicorn.Config(
        app,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=STOP_SECONDS,
        http=bounded(book),
        backlog=ACCEPTED_AT_ONCE,
    )
    server = Server(configuration, deadline or Deadline())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    announce(listening)
    server.run(sockets=[listening])


def _leave(number: int, frame: FrameType | None) -> None:
    """Unwind the stack, so that whoever started something ends it.

    uvicorn passes on the signal that made it stop; left alone it would end this process at once.
    """
    raise SystemExit(0)


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
