"""Databases with the schema that Alembic builds."""

from __future__ import annotations

from migrations.upgrade import upgrade
from service.storage.database import Database


def migrate(url: str) -> None:
    """Bring a database to the newest schema."""
    database = Database(url)
    upgrade(database.engine)
    database.close()
