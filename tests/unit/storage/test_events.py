"""Events: numbered without gaps, and visible in the order of their numbers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from service.operations import events as event_operations
from service.storage import events
from service.storage.database import Database
from tests.scenes import Scene

WRITERS, MESSAGES = 6, 25


def append(url: str, key: int, writer: int) -> None:
    """Write messages one by one, some of them two at a time, some of them rolled back."""
    database = Database(url)
    for number in range(MESSAGES):
        body = {"writer": writer, "number": number}
        with database.writing() as connection:
            events.append(connection, key, *[("test", body)] * (1 + number % 2))
        try:
            with database.writing() as connection:
                events.append(connection, key, ("test", {"rolled": "back"}))
                raise LookupError
        except LookupError:
            pass
    database.close()


def test_events_have_no_gaps_and_appear_in_order_while_many_write(scene: Scene, database_url: str) -> None:
    key = scene.submit()
    seen: list[int] = []
    ended = threading.Event()

    def read() -> None:
        while True:
            last_round = ended.is_set()
            page = event_operations.after(scene.context, key, seen[-1] if seen else 0, 7)
            seen.extend(event.sequence for event in page)
            if last_round and not page:
                return

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(read)
        writers = [pool.submit(append, database_url, key, writer) for writer in range(WRITERS)]
        for writer in writers:
            writer.result(timeout=120)
        ended.set()
        reader.result(timeout=60)
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == 1 + WRITERS * (MESSAGES + MESSAGES // 2)


def test_events_of_one_writer_keep_their_order(scene: Scene) -> None:
    key = scene.submit()
    scene.finish(scene.claim())
    kinds = [(event.type, event.body.get("state")) for event in event_operations.after(scene.context, key, 0, 100)]
    assert kinds[:2] == [("state", "queued"), ("state", "running")]
    assert kinds[-1] == ("state", "succeeded")


def test_the_end_of_an_experiment_drops_its_passing_progress(scene: Scene) -> None:
    key = scene.submit()
    claimed = scene.claim()
    for epoch in range(1, 5):
        scene.tell(claimed, epoch=epoch)
    assert len(event_operations.after(scene.context, key, 0, 100)) == 6
    scene.finish(claimed)
    kinds = [event.type for event in event_operations.after(scene.context, key, 0, 100)]
    assert kinds.count("state") == 3
    assert kinds.count("progress") <= 2
