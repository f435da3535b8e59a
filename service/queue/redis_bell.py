"""The bell of a deployment: a Celery message over Redis."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from kombu import Connection, Exchange, Producer
from kombu import Queue as BrokerQueue

from service.queue_names import Queue

TASK = "memspan.work"
"""the name of the Celery task that a bell starts; the app that knows it lives with the workers"""
LOOK_SECONDS = 1.0
MOST_WAITING = 16
"""bells that may wait in a queue; more would tell nobody anything new"""

log = structlog.stdlib.get_logger("memspan.bell")


class RedisBell:
    """Sends a Celery message over Redis from a thread of its own.

    Publishing while Redis is away can block for seconds, so it is never done on a request's path; what fails is
    logged and left to the patrol, which rings again as long as rows wait.
    """

    def __init__(self, url: str, timeout_seconds: float = 2.0) -> None:
        options = {"socket_connect_timeout": timeout_seconds, "socket_timeout": timeout_seconds}
        self._url, self._options = url, options
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bell")
        self._waiting: set[Queue] = set()
        self._lock = threading.Lock()
        self._look: Future[bool] | None = None

    def ring(self, queue: Queue) -> None:
        with self._lock:
            if queue in self._waiting:
                return
            self._waiting.add(queue)
        self._pool.submit(self._send, queue)

    def works(self) -> bool:
        """Look whether Redis answers, for a second at most: one that takes longer is as good as away."""
        with self._lock:
            if self._look is None or self._look.done():
                self._look = self._pool.submit(self._answers)
            look = self._look
        try:
            return look.result(timeout=LOOK_SECONDS)
        except TimeoutError:
            return False

    def _answers(self) -> bool:
        try:
            with self._connection() as connection:
                return bool(connection.default_channel.client.ping())
        except Exception:  # whatever the broker has, it can't be reached
            return False

    def _connection(self) -> Connection:
        return Connection(self._url, transport_options=self._options, connect_timeout=2)

    def _send(self, queue: Queue) -> None:
        with self._lock:
            self._waiting.discard(queue)
        try:
            with self._connection() as connection:
                channel = connection.default_channel
                if channel.client.llen(queue) < MOST_WAITING:
                    publish(Producer(channel), queue)
        except Exception as error:  # whatever the broker has: a lost bell only delays
            log.warning("bell_not_rung", queue=queue, error=str(error))


def publish(producer: Producer, queue: Queue) -> None:
    """Put one bell into a queue, as Celery's message protocol 2 has it (so that no Celery app is needed here)."""
    from celery import uuid

    task_id = uuid()
    headers = {"lang": "py", "task": TASK, "id": task_id, "root_id": task_id, "parent_id": None, "group": None}
    body: tuple[list[str], dict[str, str], dict[str, None]] = (
        [str(queue)],
        {},
        {"callbacks": None, "errbacks": None, "chain": None, "chord": None},
    )
    producer.publish(
        body,
        headers=headers,
        correlation_id=task_id,
        serializer="json",
        exchange=Exchange(queue, type="direct"),
        routing_key=queue,
        declare=[BrokerQueue(queue, Exchange(queue, type="direct"), routing_key=queue)],
        retry=False,
        delivery_mode=2,
    )
