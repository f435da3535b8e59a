"""Workers, queues and health in answers."""

from typing import Annotated

from pydantic import Field

from service.schemas.number import Answer


class Worker(Answer):
    """A worker process."""

    name: str
    host: str
    pid: int
    queues: list[str]
    device: str
    state: str
    experiment: Annotated[str | None, Field(description="whose runs or probes it works on")]
    started_at: str
    beat_age_seconds: float


class Workers(Answer):
    """All known workers."""

    items: list[Worker]


class QueueDepth(Answer):
    """What waits in a queue."""

    queue: str
    waiting: int
    leased: int
    oldest_wait_seconds: float | None


class Queues(Answer):
    """All queues."""

    items: list[QueueDepth]


class Health(Answer):
    """How the service is."""

    status: str
    components: dict[str, str]
