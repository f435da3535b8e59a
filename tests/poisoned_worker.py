"""``python -m tests.poisoned_worker``: a local worker that one run takes down, as a crash below Python would.

$POISON names that run, LENGTH:REPEAT. The worker dies of it at the end of the run's second epoch, with whatever is
trained beside it, and another one follows; all else they train as any worker does.
"""

import os
import signal
from collections.abc import Iterator

from memspan.engine.events import Evaluated, Event
from memspan.engine.trainer import Trainer
from workers import local, loop

DEADLY_EPOCH = 2
LENGTH, REPEAT = map(int, os.environ["POISON"].split(":"))


class PoisonedTrainer(Trainer):
    """Trains, unless the run is among its repeats."""

    def events(self) -> Iterator[Event]:
        for event in super().events():
            if isinstance(event, Evaluated) and event.epoch == DEADLY_EPOCH and self._is_poisoned(event):
                os.kill(os.getpid(), signal.SIGKILL)
            yield event

    def _is_poisoned(self, event: Evaluated) -> bool:
        return self.condition.length == LENGTH and REPEAT in event.metrics


def main() -> None:
    """One worker after the other, until one leaves by itself; all that is imported is imported once."""
    vars(loop)["Trainer"] = PoisonedTrainer
    killed = True
    while killed:
        child = os.fork()
        if child == 0:
            local.main()
            os._exit(0)
        killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main()
