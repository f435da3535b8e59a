"""The event stream as a client reads it."""

import json

import httpx

from service.client.stream import follow, parsed


def sent(id: int, kind: str, **data: object) -> str:
    return f"id: {id}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"


def test_comments_and_retry_lines_are_no_events() -> None:
    lines = "retry: 1000\n\n: still there\n\n" + sent(4, "state", state="queued")
    events = list(parsed(iter(lines.split("\n"))))
    assert [(event.id, event.type, event.data) for event in events] == [("4", "state", {"state": "queued"})]


def test_a_cut_stream_goes_on_behind_the_last_event_and_ends_with_the_experiment() -> None:
    parts = {
        "": sent(1, "state", state="queued") + sent(2, "progress", state="running"),
        "2": sent(3, "runs", state="succeeded") + sent(4, "state", state="succeeded") + sent(5, "progress"),
    }
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        last = request.headers.get("Last-Event-ID", "")
        asked.append(last)
        return httpx.Response(200, text=parts[last], headers={"content-type": "text/event-stream"})

    with httpx.Client(base_url="http://localhost", transport=httpx.MockTransport(answer)) as client:
        events = list(follow(client, "/experiments/exp-1/events"))
    assert [event.id for event in events] == ["1", "2", "3", "4", "5"], (
        "a state behind which more is told is not the last"
    )
    assert asked == ["", "2"]
