"""What can go wrong with a database, for those who have to tell it or to wait for its end."""

from sqlalchemy import exc

DatabaseError = exc.SQLAlchemyError
"""anything"""
DriverError = exc.DBAPIError
"""anything that the driver said; ``orig`` holds its words"""
ValueRefused = exc.DataError
"""a value holds what its column can't: a null character in a text, a number that is too large"""
NoConnection = exc.TimeoutError
"""all connections of this process have been busy for too long"""
AWAY = (exc.OperationalError, exc.InterfaceError)
"""the database is away, locked or full; waiting may help"""


def is_full(error: BaseException) -> bool:
    """Whether a database says that its disk is full."""
    words = getattr(error, "orig", None)
    return getattr(words, "sqlite_errorname", None) == "SQLITE_FULL" or getattr(words, "sqlstate", None) == "53100"
