"""Names of queues, as command lines and the table of workers have them."""

from __future__ import annotations

import pytest

from service.queue_names import ALL, Queue, listed, parsed


def test_queues_are_written_and_read_as_names_between_commas() -> None:
    assert ALL == "cpu,gpu,probe"
    assert parsed("cpu,probe") == (Queue.CPU, Queue.PROBE)
    assert listed(parsed(ALL)) == ALL


@pytest.mark.parametrize("text", ["cpu,tpu", "", "cpu,,gpu"])
def test_a_queue_that_does_not_exist_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"There is no queue .*; known are cpu, gpu and probe\."):
        parsed(text)
