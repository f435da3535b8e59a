"""The revision of the schema that a database has."""

from sqlalchemy import Connection, inspect, text


def stored_revision(connection: Connection) -> str | None:
    """What Alembic noted; None for a database without our schema."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found
