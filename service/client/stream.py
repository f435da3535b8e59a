"""The event stream of an experiment, read so that a lost connection loses no event."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

FINAL = frozenset({"succeeded", "partial", "failed", "cancelled"})
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0


@dataclass(frozen=True)
class ServerEvent:
    """One event as it was sent."""

    id: str
    type: str
    data: dict[str, Any]


def follow(client: httpx.Client, path: str) -> Iterator[ServerEvent]:
    """Every event, once each, until the experiment has ended; reconnects behind the last one seen.

    A final state may be followed by others: an experiment that was retried or extended went on behind it.
    """
    last, pause, over = "", FIRST_PAUSE_SECONDS, False
    while True:
        try:
            for event in _connected(client, path, last):
                last, pause = event.id, FIRST_PAUSE_SECONDS
                over = event.data["state"] in FINAL if event.type == "state" else over
                yield event
            if over:
                return
        except httpx.TransportError:
            pass
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _connected(client: httpx.Client, path: str, last: str) -> Iterator[ServerEvent]:
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
    with client.stream("GET", path, headers=headers, timeout=httpx.Timeout(30.0)) as response:
        if response.status_code >= 500:
            raise httpx.ReadError(f"The service answers {response.status_code}.")
        response.raise_for_status()
        yield from parsed(response.iter_lines())


def parsed(lines: Iterator[str]) -> Iterator[ServerEvent]:
    """Events from the lines of a stream (WHATWG HTML, section 9.2); comments are left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        else:
            if "data" in fields:
                yield ServerEvent(fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"]))
            fields = {}
