"""Workers' memory: what an experiment may need of it, as the workers that are there tell."""

from memspan.experiment.memory_need import Room
from service.operations.context import Context
from service.operations.remaining_time import SILENT_SECONDS
from service.queue_names import Queue
from service.storage import workers
from service.worker_share import worker_share


def room(context: Context) -> Room:
    """Bytes of the largest worker of each kind that was heard of lately; without any, what is set here."""
    with context.database.reading() as connection:
        told = workers.memory_limits(connection, SILENT_SECONDS)
    largest = {queue: max((limit for queues, limit in told if queue in queues), default=None) for queue in Queue}
    found: Room = {"cpu": largest[Queue.CPU] or context.settings.worker_memory or worker_share(1)}
    gpu = largest[Queue.GPU]
    return found if gpu is None else {**found, "gpu": gpu}
