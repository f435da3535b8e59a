"""What a worker computes and nobody wants any more: ended, or given back, while it still computes."""

from service.operations import finish_runs, work
from service.operations.claiming import ClaimedRuns
from service.operations.context import Context
from service.operations.probes import ClaimedProbe, give_up
from service.operations.progress import TIME_IS_UP
from service.operations.work import Order
from service.storage.states import Reason, RunState


def runs_unwanted(context: Context, claimed: ClaimedRuns, leaving: bool) -> bool:
    """Whether nobody wants claimed runs from this worker; then they are ended, or back in their queue.

    A pause waits for the next step: it keeps what was done since the last slice.
    """
    match work.order_now(context, claimed):
        case Order.STOP:
            return True
        case Order.CANCEL:
            finish_runs.end(context, claimed, RunState.CANCELLED)
        case Order.TIME_IS_UP:
            finish_runs.end(context, claimed, RunState.FAILED, Reason.TIMEOUT, TIME_IS_UP)
        case _ if leaving:
            work.give_back(context, claimed)
        case _:
            return False
    return True


def probe_unwanted(context: Context, claimed: ClaimedProbe, leaving: bool) -> bool:
    """The same of a claimed probe."""
    return give_up(context, claimed, leaving)
