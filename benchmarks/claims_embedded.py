"""Claims of an embedded database: runs a second over SQLite of a large experiment beside a small one.

Nothing is trained. The two take turns, stack by stack, and what is counted is the time of this process' processor,
which does all the work of such a database: neither another program nor a warmer disk tells them apart.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.goal import at_least
from benchmarks.report import Figure, table
from memspan.experiment.fleet import Fleet
from service.operations import claiming, finish_runs
from service.operations.context import Context
from service.operations.submission import insert, prepare
from service.queue.bell import NoBell
from service.queue_names import Queue
from service.settings import Settings
from service.storage.database import Database
from tests.databases import migrate
from tests.scenes import outcome, spec

SMALL, LARGE = (50, 30), (100, 900)
"""conditions, and runs of each"""
WARMING, STACKS = 5, 45
"""that each of them hands in before it is measured, and while it is"""


def main() -> str:
    """Measure both, and say how they compare."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        contexts = [_filled(stack, Path(folder) / f"{number}.db", *size) for number, size in enumerate((SMALL, LARGE))]
        spent = [list[float](), list[float]()]
        for number in range(WARMING + STACKS):
            for context, seconds in zip(contexts, spent, strict=True):
                one = _seconds_of_a_run(context)
                if number >= WARMING:
                    seconds.append(one)
    small, large = (1 / median(each) for each in spent)
    figures = [
        Figure("runs a second of processor, an experiment of 1 500", f"{small:.0f}"),
        Figure("runs a second of processor, an experiment of 90 000", f"{large:.0f}", at_least(large, 0.9 * small, "")),
    ]
    return table("Claiming and ending stacks over SQLite", figures)


def _filled(stack: ExitStack, path: Path, conditions: int, repeats: int) -> Context:
    """A database with one experiment of the smallest runs."""
    migrate(f"sqlite:///{path}")
    database = Database(f"sqlite:///{path}")
    stack.callback(database.close)
    with database.writing() as connection:
        insert(connection, prepare(Fleet(), spec(lengths=list(range(2, 2 + conditions)), repeats=repeats)))
    return Context(Settings(home=path.parent), database, NoBell())


def _seconds_of_a_run(context: Context) -> float:
    """Claim a stack and hand it in; seconds of this process for each of its runs."""
    begun = time.process_time()
    claimed = claiming.claim(context, "worker", [Queue.CPU])
    assert claimed is not None
    outcomes = {repeat: outcome(float(repeat)) for repeat in claimed.runs}
    finish_runs.finish(context, claimed, outcomes, 0.3, {}, "fused")
    return (time.process_time() - begun) / len(claimed.runs)


if __name__ == "__main__":
    print(main())
