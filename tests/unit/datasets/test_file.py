"""Files of data sets: read in place, fetched on first use, checked either way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from memspan.datasets.download import sha256_of
from memspan.datasets.file import File
from memspan.datasets.unavailable import DatasetDamaged, DatasetMissing

DATA = b"some pixels" * 1_000
FILE = File("pixels.gz", len(DATA), sha256_of(DATA))
ANSWERS = {"/good/pixels.gz": DATA, "/other/pixels.gz": b"<html>moved</html>", "/endless/pixels.gz": DATA * 100}


class Mirror(BaseHTTPRequestHandler):
    """A mirror of this machine."""

    def do_GET(self) -> None:
        data = ANSWERS.get(self.path)
        self.send_response(200 if data else 404)
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def mirrors() -> Iterator[str]:
    """The address of a server on this machine, without its last part."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def nobody() -> str:
    """An address of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


def test_a_file_that_is_there_is_read_in_place_and_nothing_is_fetched(tmp_path: Path) -> None:
    path = tmp_path / FILE.name
    path.write_bytes(DATA)
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    assert FILE.content(tmp_path, ()) == DATA
    assert FILE.is_in(tmp_path)
    tmp_path.chmod(0o700)


def test_a_missing_file_is_fetched_once_and_kept_whole(tmp_path: Path, mirrors: str) -> None:
    folder = tmp_path / "not" / "there"
    assert not FILE.is_in(folder)
    assert FILE.content(folder, (f"{mirrors}/good/",)) == DATA
    assert [path.name for path in folder.iterdir()] == [FILE.name]
    assert FILE.content(folder, ()) == DATA


def test_mirrors_are_tried_in_turn_until_one_gives_the_right_file(tmp_path: Path, mirrors: str, nobody: str) -> None:
    tried = (nobody, f"{mirrors}/none/", f"{mirrors}/other/", f"{mirrors}/endless/", f"{mirrors}/good/")
    assert FILE.content(tmp_path, tried) == DATA
    assert [path.name for path in tmp_path.iterdir()] == [FILE.name]


def test_a_mirror_may_not_be_a_folder_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / FILE.name).write_bytes(DATA)
    with pytest.raises(DatasetMissing, match="only https:// and http:// addresses are fetched"):
        FILE.content(tmp_path / "kept", (f"{tmp_path.as_uri()}/",))


def test_what_no_mirror_gives_is_missing_and_the_sentence_says_which_file_and_what_to_do(
    tmp_path: Path, mirrors: str, nobody: str
) -> None:
    with pytest.raises(DatasetMissing) as missing:
        FILE.content(tmp_path / "mnist", (nobody, f"{mirrors}/none/", f"{mirrors}/other/"))
    said = str(missing.value)
    assert said.startswith(
        f"The file mnist/{FILE.name} (sha256 {FILE.sha256}) is missing in the folder of data sets: put it "
    )
    assert "MEMSPAN_DATA name a folder that has it." in said
    assert str(tmp_path) not in said, "a service shows the sentence to whoever asks"
    assert missing.value.__notes__ == [f"It should lie at {tmp_path / 'mnist' / FILE.name}."]
    assert "Connection refused" in said
    assert "HTTP Error 404" in said
    assert f"its file has the sha256 {sha256_of(ANSWERS['/other/pixels.gz'])}" in said
    assert said.endswith(".")
    assert not (tmp_path / "mnist").exists()


def test_a_folder_that_can_t_be_written_is_told(tmp_path: Path, mirrors: str) -> None:
    (tmp_path / "mnist").write_text("a file where the folder should be")
    with pytest.raises(DatasetMissing, match="Fetching it failed"):
        FILE.content(tmp_path / "mnist", (f"{mirrors}/good/",))


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE.name).mkdir()
    with pytest.raises(DatasetMissing, match=r"It can't be read: Is a directory\."):
        FILE.content(tmp_path, ())
    assert not FILE.is_in(tmp_path)


def test_another_file_in_its_place_is_damaged_and_left_alone(tmp_path: Path, mirrors: str) -> None:
    (tmp_path / FILE.name).write_bytes(DATA[:-1] + b"X")
    with pytest.raises(DatasetDamaged) as damaged:
        FILE.content(tmp_path, (f"{mirrors}/good/",))
    found = sha256_of(DATA[:-1] + b"X")
    assert str(damaged.value) == (
        f"The file {tmp_path.name}/{FILE.name} in the folder of data sets (MEMSPAN_DATA) is damaged: "
        f"its sha256 is {found}, expected {FILE.sha256}. "
        "Delete it, and it is fetched again at the next use."
    )
    assert (tmp_path / FILE.name).read_bytes().endswith(b"X")
    assert not FILE.is_in(tmp_path)
