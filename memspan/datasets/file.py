"""A file that a data set is made of: read in place, fetched on first use, checked either way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from memspan.datasets.download import download, sha256_of
from memspan.datasets.unavailable import DatasetDamaged, DatasetMissing


@dataclass(frozen=True)
class File:
    """A file by name, with what tells the right one: its size in bytes and its sha256."""

    name: str
    size: int
    sha256: str

    def is_in(self, folder: Path) -> bool:
        """Whether the right file lies in a folder."""
        path = folder / self.name
        try:
            return path.stat().st_size == self.size and sha256_of(path.read_bytes()) == self.sha256
        except OSError:
            return False

    def content(self, folder: Path, mirrors: Sequence[str]) -> bytes:
        """The bytes of the file in a folder; where it is missing it is fetched into it.

        Args:
            mirrors: addresses that the name is appended to, in the order in which they are tried.

        Raises:
            DatasetMissing: it is not there and no mirror gave it, or it can't be read.
            DatasetDamaged: what lies there is another file.
        """
        path = folder / self.name
        if not path.exists():
            self._fetch(path, mirrors)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DatasetMissing(path, self.sha256, f"It can't be read: {error.strerror}.") from error
        if (found := sha256_of(data)) != self.sha256:
            raise DatasetDamaged(path, self.sha256, found)
        return data

    def _fetch(self, path: Path, mirrors: Sequence[str]) -> None:
        reasons = []
        for mirror in mirrors:
            reason = download(mirror + self.name, path, self.size, self.sha256)
            if reason is None:
                return
            reasons.append(f"{mirror}: {reason}")
        raise DatasetMissing(path, self.sha256, f"Fetching it failed ({'; '.join(reasons)}).")
