"""Estimates: who would do work that is asked for, and how long they would take."""

from memspan.experiment.fleet import Fleet
from service.operations import submission
from service.operations.context import Context
from service.operations.health import live_workers


def fleet(context: Context) -> Fleet:
    """The workers that were heard of lately."""
    workers = live_workers(context)
    return Fleet(len(workers), sum(submission.serves_gpu(worker) for worker in workers))
