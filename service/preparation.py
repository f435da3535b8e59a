"""Preparation: what must be there before anything is served or worked on; else a sentence, and the process ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from migrations.revision import UnknownRevision, newest
from service.database_lock import hold
from service.logs import configure_logs
from service.private_files import FOLDER, keep_private
from service.settings import Settings, load_settings
from service.storage import keys
from service.storage.database import Database, stored_revision
from service.storage.database_errors import DriverError


def prepared() -> Settings:
    """Settings, logs, and a database with the newest schema; processes that start at once take turns.

    Raises:
        SystemExit: a setting, the home or the database can't be used; left alone it ends the process with a sentence.
    """
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, settings.secrets)
    secure(settings)
    migrate(settings)
    return settings


def secure(settings: Settings) -> None:
    """A home of the owner's alone, its database in use until this process ends, or end the process with a sentence."""
    database = Database(settings.database_url)
    with _sentences(settings):
        if database.dialect == "sqlite":
            settings.home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        if database.path is not None and database.path.parent.is_dir():
            hold(database.path)
        keep_private(settings.home, database.path)


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema, or end the process with a sentence."""
    database = Database(settings.database_url)
    with _sentences(settings):
        try:
            with database.reading() as connection:
                found = stored_revision(connection)
            if found != newest():
                from migrations.upgrade import upgrade  # Alembic: not where there is nothing to do

                upgrade(database.engine)
        finally:
            database.close()


@contextmanager
def _sentences(settings: Settings) -> Iterator[None]:
    """Whatever a home or a database may have, said in a sentence."""
    named = f"The database {settings.masked()['database_url']}"
    try:
        yield
    except OSError as error:
        raise SystemExit(f"MEMSPAN_HOME is {str(settings.home)!r}, and no folder can be made there: {error}") from None
    except UnknownRevision as error:
        raise SystemExit(f"{named} can't be used (MEMSPAN_DATABASE_URL): {error}") from None
    except DriverError as error:
        reason = " ".join(str(error.orig).split())
        raise SystemExit(f"{named} can't be used (MEMSPAN_DATABASE_URL): {reason}") from None


def require_guard(host: str, settings: Settings) -> None:
    """End the process with a sentence where others could reach the service and nothing was said of who is let in.

    Whoever names trusted networks has said it, as Compose does; and keys let in their bearers alone.
    """
    if _is_loopback(host) or "trusted_networks" in settings.model_fields_set:
        return
    database = Database(settings.database_url)
    try:
        with database.reading() as connection:
            if keys.exist(connection):
                return
    finally:
        database.close()
    raise SystemExit(
        f"Memspan doesn't listen at {host}, which others can reach, before it knows whom to let in. Make a key: "
        "memspan keys create --name NAME --scope admin; then every request needs one. Or, in a network where everybody "
        "may do everything, name it in MEMSPAN_TRUSTED_NETWORKS."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
