"""A child process with limits: what it can't do, how it ends, and that its parent never ends with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memspan.confinement import Bounds, ChildDied, Confined, OutOfMemory, OutOfTime, Refused

WORK = "tests.unit.confinement.labours:begin"
BOUNDS = Bounds(memory_bytes=400 * 2**20, seconds=20, processor_seconds=20)


@pytest.fixture(scope="module")
def child():
    with Confined(WORK, BOUNDS) as started:
        yield started


def lost(doing: str, bounds: Bounds = BOUNDS) -> Exception:
    """The error of a question that the child does not outlive."""
    with Confined(WORK, bounds) as started:
        with pytest.raises((OutOfMemory, OutOfTime, ChildDied)) as caught:
            started.ask({"do": doing})
        assert not started.alive
        with pytest.raises(ChildDied, match="ended"):
            started.ask({"do": "echo"})
    return caught.value


def test_a_question_of_megabytes_comes_back_as_it_was_sent(child) -> None:
    payload = os.urandom(5_000_000)
    answer = child.ask({"do": "echo", "n": 1}, payload)
    assert answer.document == {"do": "echo", "n": 1}
    assert answer.payload == payload


def test_the_child_has_no_environment_no_user_packages_and_no_folder(child) -> None:
    found = child.ask({"do": "surroundings"}).document
    assert found["isolated"] == 1
    assert found["here"] is None
    assert not {"PATH", "HOME", "PYTHONPATH", "MEMSPAN_HOME", "MEMSPAN_DATABASE_URL"} & set(found["variables"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can forbid them")
@pytest.mark.parametrize("deed", ["socket", "program"])
def test_sockets_and_programs_are_not_permitted(child, deed: str) -> None:
    assert child.ask({"do": deed}).document == {"refused_by_system": "PermissionError"}


def test_nothing_can_be_written(child) -> None:
    assert child.ask({"do": "write"}).document == {"refused_by_system": "OSError"}
    Path("/tmp/written-by-the-confined").unlink(missing_ok=True)  # noqa: S108, where everybody may write


def test_a_refusal_comes_with_its_words_and_its_place_and_the_child_lives(child) -> None:
    with pytest.raises(Refused, match="Row 3 is no number") as caught:
        child.ask({"do": "refuse"})
    assert caught.value.place == "#/rows/3"
    assert child.ask({"do": "echo"}).document == {"do": "echo"}


def test_an_open_file_can_be_handed_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a,b")
    with (tmp_path / "file").open("rb") as file, Confined(WORK, BOUNDS, (file.fileno(),)) as started:
        assert started.ask({"do": "read", "file": file.fileno()}).payload == b"a,b"


def test_more_memory_than_allowed_is_refused_by_its_limit() -> None:
    assert str(lost("grow")) == "It needs more than 400 MiB of memory."


def test_who_takes_too_long_is_ended_by_the_clock_that_hangs_and_by_the_processor_that_spins() -> None:
    assert str(lost("hang", Bounds(seconds=1.5))) == "It took longer than 1.5 seconds, and was ended."
    spinning = Bounds(seconds=60, processor_seconds=1)
    assert str(lost("spin", spinning)) == "It took more than 1 seconds of the processor."


@pytest.mark.parametrize(
    ("doing", "message"),
    [
        ("abort", "It needs more than 400 MiB of memory."),
        ("leave", "The process was ended with status 3."),
        ("lie", f"The answer would hold {2**60} bytes, more than 256 MiB."),
        ("babble", "The process answered what is no answer."),
    ],
)
def test_a_child_that_dies_or_lies_is_named(doing: str, message: str) -> None:
    assert str(lost(doing)) == message


def test_a_work_that_there_is_not_ends_in_words() -> None:
    with pytest.raises(ChildDied, match="status 1"):
        Confined("tests.unit.confinement.labours:nothing", BOUNDS)


def test_the_child_ends_with_its_parent_in_the_middle_of_its_work() -> None:
    program = (
        "import sys, threading; from memspan.confinement import Confined, Bounds\n"
        f"c = Confined({WORK!r}, Bounds()); print(c.pid, flush=True); c.ask({{'do': 'hang'}})"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path.cwd())
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not _runs(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the child outlived its parent")


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
