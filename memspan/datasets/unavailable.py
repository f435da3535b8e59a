"""Why a data set can't be used."""

from __future__ import annotations

from pathlib import Path


class DatasetUnavailable(Exception):
    """A data set can't be used; the message is a sentence that says why and what to do.

    The sentence may be shown to whoever asks a service, so it names files as they lie in the folder of data sets.
    Where that folder is stands in a note, which logs and a notebook's traceback show.
    """


def _within(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


class DatasetMissing(DatasetUnavailable):
    """A file is not there and can't be fetched.

    Args:
        path: where it should lie.
        sha256: of the right file.
        reason: why it can't be read or fetched.
    """

    def __init__(self, path: Path, sha256: str, reason: str) -> None:
        super().__init__(
            f"The file {_within(path)} (sha256 {sha256}) is missing in the folder of data sets: put it there, or let "
            f"MEMSPAN_DATA name a folder that has it. {reason}"
        )
        self.add_note(f"It should lie at {path}.")


class DatasetDamaged(DatasetUnavailable):
    """A file is there and is not what it should be."""

    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(
            f"The file {_within(path)} in the folder of data sets (MEMSPAN_DATA) is damaged: its sha256 is {found}, "
            f"expected {expected}. Delete it, and it is fetched again at the next use."
        )
        self.add_note(f"It lies at {path}.")


class NotIdx(DatasetUnavailable):
    """Bytes that are no IDX file of the expected kind."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} is not the IDX file that it should be: {reason}.")
