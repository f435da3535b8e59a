"""Sessions of browsers: begun with a key, carried by a cookie that isn't the key, ended by logging out or in time."""

import hashlib
import secrets

from service.operations import audit, ids
from service.operations.action import Action
from service.operations.caller import Caller
from service.storage import sessions
from service.storage.database import Database
from service.storage.keys import KeyRecord

SECONDS = 12 * 3600
"""how long a session lasts; never longer than its key"""


def begin(database: Database, key: KeyRecord, caller: Caller) -> str:
    """Begin a session of a key that works; its secret, for the cookie."""
    secret = secrets.token_urlsafe(32)
    with database.writing() as connection:
        sessions.begin(connection, digest(secret), key.key, SECONDS)
        audit.note(connection, caller, Action.LOG_IN, ids.public(ids.KEY, key.key), 303)
    return secret


def end(database: Database, secret: str, caller: Caller) -> None:
    """End a session; twice is once."""
    with database.writing() as connection:
        if sessions.end(connection, digest(secret)):
            audit.note(connection, caller, Action.LOG_OUT, None, 303)


def digest(secret: str) -> str:
    """What is stored of a session's secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def token(secret: str) -> str:
    """What a page of a session sends with whatever it changes: no other site knows it, and it tells no cookie."""
    return hashlib.sha256(b"token of " + secret.encode("utf-8", "surrogateescape")).hexdigest()
