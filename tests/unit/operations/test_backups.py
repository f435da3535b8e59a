"""Backups: made while others write, refused when they are not what was made, restored beside what was there."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from migrations.revision import newest
from service.database_lock import alone, hold
from service.operations import backups
from service.operations.backups import BackupUnusable
from service.operations.doctor import examined
from service.storage.database import Database
from service.storage.tables import metrics, runs
from tests.databases import migrate
from tests.scenes import Scene, context_over


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    migrate(f"sqlite:///{made / 'memspan.db'}")
    return made


def scene_in(home: Path) -> Scene:
    return Scene(context_over(Database(f"sqlite:///{home / 'memspan.db'}")))


def backed_up(home: Path, tmp_path: Path) -> Path:
    target = tmp_path / "backup.tar"
    backups.make(home / "memspan.db", target)
    return target


def test_a_backup_comes_back_with_all_that_was_stored(home: Path, tmp_path: Path) -> None:
    scene = scene_in(home)
    key = scene.submit()
    scene.finish(scene.claim())
    target = backed_up(home, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    manifest, kept = backups.restore(target, other / "memspan.db")
    assert (manifest.schema, kept) == (newest(), None)
    assert f"{target.stat().st_mode & 0o777:o}" == f"{(other / 'memspan.db').stat().st_mode & 0o777:o}" == "600"
    restored = scene_in(other)
    assert restored.state(key) == "succeeded"
    assert all(each.sound for each in examined(restored.context))


def test_a_backup_made_while_others_write_holds_one_moment(home: Path, tmp_path: Path) -> None:
    """A writer keeps two tables in step; in every copy they are."""
    scene, ended = scene_in(home), threading.Event()
    scene.submit(repeats=1)
    claimed = scene.claim()

    def write() -> None:
        epoch = 0
        while not ended.is_set():
            epoch += 1
            scene.tell(claimed, epoch)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            target, copy = tmp_path / f"{number}.tar", tmp_path / f"{number}.db"
            backups.make(home / "memspan.db", target)
            backups.restore(target, copy)
            with Database(f"sqlite:///{copy}").reading() as connection:
                told = connection.execute(select(func.count()).select_from(metrics)).scalar_one()
                assert connection.execute(select(runs.c.epochs_done)).scalar_one() == told
    finally:
        ended.set()
        writer.join()


def test_nothing_is_overwritten(home: Path, tmp_path: Path) -> None:
    target = backed_up(home, tmp_path)
    before = target.read_bytes()
    with pytest.raises(FileExistsError):
        backups.make(home / "memspan.db", target)
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "home"]


def test_the_database_that_was_there_is_kept_aside(home: Path, tmp_path: Path) -> None:
    target = backed_up(home, tmp_path)
    scene = scene_in(home)
    key = scene.submit()
    scene.context.database.close()
    _, kept = backups.restore(target, home / "memspan.db")
    assert kept is not None
    with Database(f"sqlite:///{kept}").reading() as connection:
        assert connection.execute(select(runs.c.experiment_key)).scalars().first() == key
    with Database(f"sqlite:///{home / 'memspan.db'}").reading() as connection:
        assert connection.execute(select(func.count()).select_from(runs)).scalar_one() == 0


def spoilt(target: Path, manifest: dict[str, object] | None = None, flip: int | None = None) -> None:
    """Change a backup: some of its manifest, or one bit of its database."""
    with tarfile.open(target) as archive:
        parts = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    if manifest:
        parts["manifest.json"] = json.dumps({**json.loads(parts["manifest.json"]), **manifest}).encode()
    if flip is not None:
        data = bytearray(parts["memspan.db"])
        data[flip] ^= 4
        parts["memspan.db"] = bytes(data)
    with tarfile.open(target, "w") as archive:
        for name, data in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


@pytest.mark.parametrize(
    ("manifest", "flip", "said"),
    [({"schema": "9999"}, None, "install that Memspan, or a newer one"), ({"format": 7}, None, "install that Memspan"),
     ({"sha256": "00"}, None, "is damaged"), (None, 5_000, "is damaged"), ({"extra": 1}, None, "is no backup")],
)  # fmt: skip
def test_a_backup_that_is_not_what_was_made_or_is_newer_changes_nothing(
    home: Path, tmp_path: Path, manifest: dict[str, object] | None, flip: int | None, said: str
) -> None:
    target = backed_up(home, tmp_path)
    spoilt(target, manifest, flip)
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    with pytest.raises(BackupUnusable, match=said):
        backups.restore(target, home / "memspan.db")
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


def test_any_other_file_is_no_backup(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"nothing of ours" * 1000)
    with pytest.raises(BackupUnusable, match="is no backup of Memspan"):
        backups.restore(other, home / "memspan.db")


@pytest.mark.parametrize("left", [0.5, 0.01])
def test_a_backup_that_ends_early_is_damaged_and_not_something_else(home: Path, tmp_path: Path, left: float) -> None:
    target = backed_up(home, tmp_path)
    whole = target.read_bytes()
    target.write_bytes(whole[: int(len(whole) * left)])
    with pytest.raises(BackupUnusable, match="is damaged: it ends before its database does"):
        backups.restore(target, home / "memspan.db")


def in_use(database: Path) -> subprocess.Popen[bytes]:
    """Another process that uses a database: locks belong to processes."""
    program = (
        "import sys; from pathlib import Path; from service.database_lock import hold; hold(Path(sys.argv[1])); "
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(database)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    return other


def test_a_database_in_use_is_nobody_else_s_and_the_other_way_round(home: Path) -> None:
    database = home / "memspan.db"
    with in_use(database) as other:
        with pytest.raises(SystemExit, match="stop it first"), alone(database):
            raise AssertionError("it was let in")
        other.communicate(b"")
    with alone(database), pytest.raises(SystemExit, match="is being restored"):
        hold(database)
    with alone(database):
        pass


def test_a_database_is_in_use_by_whatever_link_somebody_came_to_it(home: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(home / "memspan.db")
    with in_use(link) as other:
        with pytest.raises(SystemExit, match="stop it first"), alone(home / "memspan.db"):
            raise AssertionError("it was let in")
        with alone(home / "another.db"):
            pass
        other.communicate(b"")
