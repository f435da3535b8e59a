"""Backing up and restoring, for the command line: what must be there, and sentences where it isn't."""

from pathlib import Path

from service.database_lock import alone, hold
from service.operations import audit, backups
from service.operations.action import Action
from service.operations.backups import BackupUnusable, Manifest
from service.operations.caller import who_runs
from service.preparation import migrate
from service.private_files import FOLDER, keep_private
from service.settings import Settings, load_settings, mask
from service.storage.database import Database


def backed_up(target: Path) -> Manifest:
    """Back up the embedded database, or end the process with a sentence."""
    settings = load_settings()
    path = _embedded(settings, f"pg_dump --format=custom --file={target} --dbname=URL")
    keep_private(settings.home, path)
    if not path.exists():
        raise SystemExit(f"There is no database at {path} (MEMSPAN_HOME, MEMSPAN_DATABASE_URL).")
    hold(path)
    try:
        return backups.make(path, target.absolute())
    except FileExistsError:
        raise SystemExit(f"{target} is there already: name another file.") from None
    except OSError as error:
        raise SystemExit(f"{target} can't be written: {error.strerror or error}.") from None


def restored(source: Path) -> tuple[Manifest, Path | None]:
    """Put a backup in the place of the embedded database, or end the process with a sentence."""
    settings = load_settings()
    path = _embedded(settings, f"pg_restore --clean --if-exists --single-transaction --dbname=URL {source}")
    settings.home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    if not path.parent.is_dir():
        raise SystemExit(f"There is no folder {path.parent} to restore into (MEMSPAN_DATABASE_URL).")
    with alone(path):
        keep_private(settings.home, path)
        try:
            manifest, kept = backups.restore(source, path)
        except BackupUnusable as error:
            raise SystemExit(str(error)) from None
        except OSError as error:
            raise SystemExit(f"{source} can't be restored: {error.strerror or error}.") from None
        migrate(settings)  # the trail of an old backup may not be there yet
        _note(settings, source, manifest, kept)
    return manifest, kept


def _note(settings: Settings, source: Path, manifest: Manifest, kept: Path | None) -> None:
    """Tell the restored audit trail that it was restored: what was done since the backup stands in the file aside."""
    aside = f"; what was there is {kept.name}" if kept else ""
    said = f"{source.name}, made by Memspan {manifest.memspan}, sha256 {manifest.sha256}{aside}"
    database = Database(settings.database_url)
    try:
        audit.note_alone(database, audit.entry(who_runs("memspan restore"), Action.RESTORE, None, 200, said))
    finally:
        database.close()


def _embedded(settings: Settings, command: str) -> Path:
    """The file of the embedded database; where a server keeps it, its own tool does this better."""
    database = Database(settings.database_url)
    path = database.path
    database.close()
    if path is None:
        url = mask(settings.database_url).replace("+psycopg", "")
        raise SystemExit(f"PostgreSQL keeps the database; use its own tool: {command.replace('URL', url)}")
    return path
