"""Backups of an embedded database: one file that holds it and says what it holds."""

import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from migrations.revision import newest
from service.storage import backup

FORMAT = 1
MANIFEST, DATABASE = "manifest.json", "memspan.db"
CHUNK = 2**20


class BackupUnusable(Exception):
    """A file can't be restored; the sentence says why."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds.

    Attributes:
        memspan: the release that made it.
        schema: the revision of the database's schema.
        sha256, bytes: of the database.
        made_at: seconds since 1970 UTC, by this machine's clock.
    """

    format: int
    memspan: str
    schema: str
    sha256: str
    bytes: int
    made_at: float


def make(database: Path, target: Path) -> Manifest:
    """Back up a database while everybody works, into one file that appears whole or not at all.

    Raises:
        FileExistsError: the target is there; nothing is ever overwritten.
    """
    if target.exists():
        raise FileExistsError(target)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".memspan-backup-") as folder:
        copied, packed = Path(folder) / DATABASE, Path(folder) / "backup.tar"
        backup.copy(database, copied)
        with copied.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        schema = backup.revision(copied) or newest()
        manifest = Manifest(FORMAT, version("memspan"), schema, sha256, copied.stat().st_size, time.time())
        _pack(packed, manifest, copied)
        os.link(packed, target)  # unlike a rename it fails where somebody else was faster
    return manifest


def _pack(path: Path, manifest: Manifest, database: Path) -> None:
    text = json.dumps(asdict(manifest), indent=1).encode()
    with path.open("xb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        path.chmod(0o600)
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode, entry.mtime = len(text), 0o600, int(manifest.made_at)
        archive.addfile(entry, io.BytesIO(text))
        archive.add(database, DATABASE, filter=_plain)
        archive.close()
        os.fsync(file.fileno())


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without the names and numbers of this machine's accounts."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry


def restore(source: Path, database: Path) -> tuple[Manifest, Path | None]:
    """Put a backup in the place of a database that nobody uses.

    Returns:
        what it holds, and where the database that was there is kept.

    Raises:
        BackupUnusable: the file is no backup, is damaged, or was made by a newer Memspan; nothing was changed.
    """
    new = database.with_name(f".{database.name}.restored")
    try:
        manifest = _unpack(source, new)
        if not backup.sound(new):
            raise BackupUnusable(f"SQLite finds the database in {source} damaged.")
        kept = _put_aside(database)
        new.replace(database)
    finally:
        new.unlink(missing_ok=True)
    return manifest, kept


def _unpack(source: Path, target: Path) -> Manifest:
    """The database of a backup, held against its manifest while it is written."""
    try:
        with tarfile.open(source, mode="r:") as archive:
            manifest = _manifest(source, archive.extractfile(MANIFEST))
            content = archive.extractfile(DATABASE)
            if content is None:
                raise BackupUnusable(f"{source} holds no database.")
            sha256 = _written(content, target)  # type: ignore[arg-type]
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise BackupUnusable(_unreadable(source)) from error
    if sha256 != manifest.sha256:
        raise BackupUnusable(f"{source} is damaged: the sha256 of its database is {sha256}, not {manifest.sha256}.")
    return manifest


def _unreadable(source: Path) -> str:
    """What a file is that holds no whole backup: the beginning of one, or something else."""
    first = MANIFEST.encode() + b"\0"
    with source.open("rb") as file:
        ours = file.read(len(first)) == first
    return f"{source} is damaged: it ends before its database does." if ours else f"{source} is no backup of Memspan."


def _manifest(source: Path, file: object) -> Manifest:
    try:
        manifest = Manifest(**json.loads(file.read()))  # type: ignore[attr-defined]
    except (ValueError, TypeError, AttributeError) as error:
        raise BackupUnusable(f"{source} is no backup of Memspan.") from error
    if manifest.format != FORMAT or not manifest.schema.isdigit() or int(manifest.schema) > int(newest()):
        raise BackupUnusable(
            f"{source} was made by Memspan {manifest.memspan} with the schema {manifest.schema}, and this one knows "
            f"none after {newest()}: install that Memspan, or a newer one."
        )
    return manifest


def _written(content: BinaryIO, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as file:
        target.chmod(0o600)
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _put_aside(database: Path) -> Path | None:
    """Keep the database that was there, under a name with the time."""
    if not database.exists():
        return None
    if backup.sound(database):
        backup.settle(database)
    kept = database.with_name(f"{database.name}.before-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
    for end in ("", "-wal", "-shm"):
        part = database.with_name(database.name + end)
        if part.exists():
            part.replace(kept.with_name(kept.name + end))
    return kept
