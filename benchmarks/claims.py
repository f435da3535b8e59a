"""Claims: what claiming and handing in a stack costs over PostgreSQL, whatever waits and however many claim.

Nothing is trained: threads of two processes claim stacks of one run and end them, with their metrics and weights. Each
size is filled once, and a second of work goes before what is measured: connections are open and statements planned.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from sqlalchemy import text

from benchmarks import claims_embedded
from benchmarks.goal import at_least, at_most
from benchmarks.report import Figure, table
from memspan.experiment.fleet import Fleet
from service.operations import claiming, finish_runs
from service.operations.context import Context
from service.operations.finish_runs import TrainedStack
from service.operations.submission import insert, prepare
from service.queue.bell import NoBell
from service.queue_names import Queue
from service.settings import Settings
from service.storage.database import WORKER, Database
from service.storage.leases import Helping
from tests.databases import migrate
from tests.scenes import outcome, spec
from tests.servers import PostgresServer, running

SECONDS = 4.0
WARMING_SECONDS = 1.0
TOGETHER = 3
"""stacks of .3 s that a worker claims at once"""
PROCESSES = 2
CLAIMERS = (1, 2, 10, 100, 200)
QUEUED = (1_000, 100_000, 1_000_000)
MILLISECOND = 1e-3

EXPERIMENTS = """
INSERT INTO experiments (name, spec, state, priority, kinds, runs, probe_seconds, created_at, told_at, event_sequence)
SELECT name, spec, state, priority, kinds, :each, 0, created_at, 0, 1 FROM experiments, generate_series(2, :count)
WHERE key = 1
"""
RUNS = """
INSERT INTO runs (experiment_key, condition, repeat, seed, engine, width, stack_key, queue, state)
SELECT 1 + i % :count, 0, 1 + i / :count, i, 'fused', 1, 1000 + i, 'cpu', 'queued'
FROM generate_series(0, :total - 1) AS i
"""
STACKS = """
INSERT INTO stacks (key, experiment_key, condition, place, queue, engine, state, rank, turn, runs, seconds, run_seconds)
SELECT 1000 + i, 1 + i % :count, 0, 1 + i / :count, 'cpu', 'fused', 'queued', 0, i / :count, 1, 0.3, 0.3
FROM generate_series(0, :total - 1) AS i
"""
TALLIES = """
INSERT INTO tallies SELECT key, 'cpu', 'fused', 20, :each, 0, 0, 0, 0, 0, :each * 0.3, 0, 0 FROM experiments
"""


@dataclass(frozen=True)
class Measured:
    """Seconds of each claim and of each end, stacks a second, and processor seconds a stack: the server's, and theirs
    who claim."""

    claims: list[float]
    ends: list[float]
    rate: float
    server: float
    claimers: float


def main() -> str:
    """Measure every size alone, every number of claimers in the middle one, and SQLite."""
    server, alone = PostgresServer(), dict[str, Measured]()
    crowds, together = dict[int, Measured](), list[Measured]()
    with running(server), ExitStack() as stack:
        pools = [_process(stack) for _ in range(PROCESSES)]
        for total in QUEUED:
            for count, begun in ((1, True), (1_000, False), (1_000, True)):
                with _filled(server, total, count, begun) as url:
                    alone[_named(total, count, begun)] = measured(server, pools, url, 1)
                    if (total, count) == (QUEUED[1], 1):
                        crowds = {claimers: measured(server, pools, url, claimers) for claimers in CLAIMERS}
                        together = [measured(server, pools, url, 1, TOGETHER)]
    figures = [*_alone(alone), *_together(together), *_crowds(crowds)]
    return table("Claiming and ending stacks over PostgreSQL", figures) + "\n" + claims_embedded.main()


def _named(total: int, count: int, begun: bool) -> str:
    """What waits; the first claim of an experiment also lets it begin, and says so to its listeners."""
    where = "one experiment" if count == 1 else f"{count:,} experiments" + (" that run" if begun else ", all new")
    return f"{total:,} queued in {where}"


def _process(stack: ExitStack) -> ProcessPoolExecutor:
    """A process of its own for claimers; it lives until the end, since it takes seconds to start."""
    return stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))


@contextmanager
def _filled(server: PostgresServer, total: int, count: int, begun: bool = False) -> Iterator[str]:
    """The URL of a database in which so many stacks of so many experiments wait, of which some ``begun`` before."""
    name = f"claims_{total}_{count}_{begun}".lower()  # a name of its own: connections to the one before may be kept
    url = server.create(name)
    try:
        migrate(url)
        _fill(url, total, count, begun)
        yield url
    finally:
        server.drop(name)


def _alone(found: dict[str, Measured]) -> list[Figure]:
    figures, least = [], median(found[_named(QUEUED[0], 1, True)].claims)
    for queued, each in found.items():
        claim, end = median(each.claims) / MILLISECOND, median(each.ends) / MILLISECOND
        what = f"one claimer, {queued}"
        figures += [
            Figure(f"{what}: claim p50", f"{claim:.2f} ms", at_most(claim, 4, "ms")),
            Figure(f"{what}: end p50", f"{end:.2f} ms", at_most(end, 4, "ms")),
            Figure(f"{what}: claim beside that of the fewest", f"{claim * MILLISECOND / least:.2f}x",
                   at_most(claim * MILLISECOND / least, 1.3, "x")),
            Figure(f"{what}: the server's CPU a stack", f"{each.server / MILLISECOND:.2f} ms",
                   at_most(each.server / MILLISECOND, 0.5, "ms")),
        ]  # fmt: skip
    return figures


def _together(found: list[Measured]) -> list[Figure]:
    what = f"one claimer, {QUEUED[1]:,} queued in one experiment, {TOGETHER} stacks of .3 s at a time"
    return [
        Figure(f"{what}: the server's CPU a stack", f"{each.server / MILLISECOND:.2f} ms",
               at_most(each.server / MILLISECOND, 0.5, "ms"))
        for each in found
    ]  # fmt: skip


def _crowds(found: dict[int, Measured]) -> list[Figure]:
    least = found[2].rate
    return [
        Figure(f"{claimers} claimers, {QUEUED[1]:,} queued in one experiment: stacks a second (claim p50; CPU a stack)",
               f"{each.rate:.0f} ({median(each.claims) / MILLISECOND:.1f} ms; server {each.server / MILLISECOND:.1f}, "
               f"claimers {each.claimers / MILLISECOND:.1f} ms)",
               at_least(each.rate, least, "") if claimers > 2 else "")
        for claimers, each in found.items()
    ]  # fmt: skip


def measured(
    server: PostgresServer, pools: list[ProcessPoolExecutor], url: str, claimers: int, together: int = 1
) -> Measured:
    """Let so many claimers work for some seconds at what waits, each of them with ``together`` stacks at a time."""
    processes = min(len(pools), claimers)
    shares = [claimers // processes + (number < claimers % processes) for number in range(processes)]
    _at_work(pools[:processes], url, shares, together, WARMING_SECONDS)
    before, theirs = _server_seconds(server), _own_seconds(pools)
    found = _at_work(pools[:processes], url, shares, together, SECONDS)
    spent, theirs = _server_seconds(server) - before, _own_seconds(pools) - theirs
    claims = [seconds for each in found for seconds in each[0]]
    ends = [seconds for each in found for seconds in each[1]]
    stacks = together * len(ends)
    return Measured(claims, ends, stacks / SECONDS, spent / max(1, stacks), theirs / max(1, stacks))


def _own_seconds(pools: list[ProcessPoolExecutor]) -> float:
    """Processor seconds of those who claim."""
    return sum(pool.submit(time.process_time).result() for pool in pools)


def _at_work(
    pools: list[ProcessPoolExecutor], url: str, shares: list[int], together: int, seconds: float
) -> list[tuple[list[float], list[float]]]:
    given = zip(pools, shares, strict=True)
    return [each.result() for each in [pool.submit(_work, url, share, together, seconds) for pool, share in given]]


def _fill(url: str, total: int, count: int, begun: bool) -> None:
    """Experiments with stacks of one run each; the first is submitted, the others are made of it."""
    database = Database(url)
    with database.writing() as connection:
        insert(connection, prepare(Fleet(), spec(repeats=1)))
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # a million references are right
        connection.execute(text("DELETE FROM tallies"))
        connection.execute(text("DELETE FROM runs"))
        connection.execute(text("DELETE FROM stacks"))
        numbers = {"count": count, "total": total, "each": total // count}
        for statement in (EXPERIMENTS, RUNS, STACKS, TALLIES):
            connection.execute(text(statement), {k: v for k, v in numbers.items() if f":{k}" in statement})
        if begun:
            connection.execute(text("UPDATE experiments SET state = 'running'"))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    database.close()


@lru_cache(maxsize=1)
def _context(url: str) -> Context:
    return Context(Settings(home=Path("/nowhere")), Database(url, WORKER), NoBell())


def _work(url: str, claimers: int, together: int, seconds: float) -> tuple[list[float], list[float]]:
    """Claim and end in threads; the seconds of each claim and of each end."""
    context = _context(url)
    with ThreadPoolExecutor(claimers) as pool:
        busy = [pool.submit(_claim, context, number, together, seconds) for number in range(claimers)]
        done = [each.result() for each in busy]
    return [s for claims, _ in done for s in claims], [s for _, ends in done for s in ends]


def _claim(context: Context, number: int, together: int, seconds: float) -> tuple[list[float], list[float]]:
    claims, ends, until = list[float](), list[float](), time.monotonic() + seconds
    while time.monotonic() < until:
        start = time.perf_counter()
        claimed = claiming.claim_several(context, f"{os.getpid()}-{number}", [Queue.CPU], Helping(together, 1.0))
        middle = time.perf_counter()
        if not claimed:
            break
        trained = [
            TrainedStack(each, {repeat: outcome(float(repeat)) for repeat in each.runs}, 0.3, {}, "fused")
            for each in claimed
        ]
        finish_runs.hand_in(context, trained)
        claims.append(middle - start)
        ends.append(time.perf_counter() - middle)
    return claims, ends


def _server_seconds(server: PostgresServer) -> float:
    """Seconds of processors that the server's processes have used, those that have ended among them."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parent, pid = int(fields[1]), int(path.parent.name)
        if server.pid == pid:
            total += sum(map(int, fields[11:15]))
        elif server.pid == parent:
            total += sum(map(int, fields[11:13]))
    return total / ticks


if __name__ == "__main__":
    print(main())
