"""Splitting: a stack that is too much for a worker as a whole, given back in halves until what is too much is alone."""

from service.operations.claiming import ClaimedRuns
from service.operations.context import Context
from service.operations.work import held_stack
from service.storage import leases, stacks, tallies


def give_back_in_halves(context: Context, work: ClaimedRuns) -> bool:
    """Put the runs of a stack back into their queue in two stacks, which go on from their last slice, without blame.

    Their numbers are the same whoever is trained beside them.

    Returns:
        whether that was done, or the stack was lost meanwhile; False for a run that is alone: it is still held, and up
        to the caller to end.
    """
    with context.database.writing() as connection:
        stack = held_stack(connection, work)
        if stack is None:
            return True
        if stack.runs == 1:
            return False
        parts = stacks.split(connection, stack, stacks.halves(stacks.open_runs(connection, stack.key)))
        leases.put_back(connection, [part.key for part in parts])
        back = tallies.change(stack, queued=stack.runs, running=-stack.runs)
        tallies.add(connection, work.experiment, [back], work.shard)
    context.bell.ring(work.queue)
    return True
