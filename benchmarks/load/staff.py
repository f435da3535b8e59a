"""One worker and two over Celery, Redis and PostgreSQL: the same study, on one host and on two.

``python -m benchmarks staff``. The second host is a network namespace of its own, joined to this one by a virtual cable
that only root can lay. Each worker has one thread; all processes share this machine's processors.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import httpx

from benchmarks.engine_latch import TWO, WHOLE, body
from benchmarks.goal import at_least
from benchmarks.latency import _finished
from benchmarks.report import Figure, table
from examples.process import started
from tests.deployment import deployed
from tests.faults.host import OURS, ProcessOnHost, joined, obstacle
from tests.servers import PostgresServer, RedisServer, running

ROUNDS = 3
LONGEST_SECONDS = 180.0
GOAL = 1.8


def main() -> str:
    """Measure one worker, two on this host, and one on each of two hosts where there can be another."""
    reason = obstacle()
    one, two = _seconds(here=1, there=0), _seconds(here=2, there=0)
    figures = [
        Figure("one worker: from POST to the end", f"{one:.1f} s"),
        Figure("two workers of one host: from POST to the end", f"{two:.1f} s"),
        Figure("two workers of one host: times as fast as one", f"{one / two:.2f}x", at_least(one / two, GOAL, "x")),
    ]
    if reason is None:
        apart = _seconds(here=1, there=1)
        figures += [
            Figure("one worker on each of two hosts: from POST to the end", f"{apart:.1f} s"),
            Figure("one worker on each of two hosts: times as fast as one", f"{one / apart:.2f}x",
                   at_least(one / apart, GOAL, "x")),
        ]  # fmt: skip
    else:
        figures.append(Figure("one worker on each of two hosts", f"not measured: {reason}"))
    return table(f"The latch study of rnn and lstm by Celery workers (median of {ROUNDS})", figures)


def _seconds(here: int, there: int) -> float:
    """From the POST of the study to its end, median; it is done once before, so that all workers are warm."""
    with _staffed(here, there) as url, httpx.Client(base_url=url, timeout=LONGEST_SECONDS) as client:
        return median([_once(client) for _ in range(ROUNDS + 1)][1:])


def _once(client: httpx.Client) -> float:
    begun = time.monotonic()
    key = client.post("/experiments", json=body(WHOLE, TWO)).raise_for_status().json()["id"]
    _finished(client, key)
    seconds = time.monotonic() - begun
    if (state := client.get(f"/experiments/{key}").json()["state"]) != "succeeded":
        raise RuntimeError(f"the study ended as {state}")
    return seconds


@contextmanager
def _staffed(here: int, there: int) -> Iterator[str]:
    """A deployment with so many worker processes on this host and on another one; its URL."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        host = stack.enter_context(joined()) if there else None
        postgres, redis = (PostgresServer(OURS), RedisServer(OURS)) if host else (PostgresServer(), RedisServer())
        stack.enter_context(running(postgres))
        stack.enter_context(running(redis))
        made = stack.enter_context(deployed(home, postgres, redis, concurrency=here))
        if host:
            variables = {"MEMSPAN_DATABASE_URL": made.database_url, "MEMSPAN_REDIS_URL": redis.url}
            others = ProcessOnHost(home / "there", "worker", "--concurrency", str(there), **variables)
            others.host = host
            stack.enter_context(started(others))
        made.staffed(here + there)
        yield made.client.url
