"""A scrape of /metrics while 100 000 runs are stored: what the process that is asked computes for it."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load.large import LARGE, RUNS
from benchmarks.report import Figure, quantile, table
from memspan.experiment.spec import ExperimentSpec
from migrations.upgrade import upgrade
from service.operations import experiments, exposition
from service.operations.context import Context
from service.queue.bell import NoBell
from service.settings import Settings
from service.storage.database import Database

SCRAPES = 20
GOAL = "<= 20 ms"


def main() -> str:
    """The table of scrapes, on SQLite."""
    with TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        database = Database(settings.database_url)
        upgrade(database.engine)
        experiments.submit(Context(settings, database, NoBell()), ExperimentSpec.model_validate(LARGE))
        found = [_milliseconds(settings, database) for _ in range(SCRAPES)]
        database.close()
    first = [each for each, _ in found]
    again = [each for _, each in found]
    return table(
        f"A scrape with {RUNS} runs stored, processor time",
        [
            Figure("read from the database", f"{quantile(first, 0.5):.1f} ms (p95 {quantile(first, 0.95):.1f})", GOAL),
            Figure("within two seconds of another", f"{quantile(again, 0.5):.1f} ms", GOAL),
        ],
    )


def _milliseconds(settings: Settings, database: Database) -> tuple[float, float]:
    """A scrape of a process that remembers nothing, and the next one."""
    context = Context(settings, database, NoBell())
    taken = []
    for _ in range(2):
        before = time.process_time()
        exposition.exposition(context)
        taken.append(1000 * (time.process_time() - before))
    return taken[0], taken[1]
