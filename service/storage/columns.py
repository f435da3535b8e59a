"""Types of columns: texts in the database, enums in Python."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Generic, TypeVar

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from service.discretion import kept
from service.queue_names import Queue, listed, parsed

Name = TypeVar("Name", bound=StrEnum)


class Named(TypeDecorator[Name], Generic[Name]):
    """A text that is one of an enum's values."""

    impl = Text
    cache_ok = True

    def __init__(self, names: type[Name]) -> None:
        super().__init__()
        self.names = names

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Name | None]:
        """A look into a dictionary: thousands of rows are read at once."""
        names: dict[str | None, Name | None] = {None: None}
        names |= {name.value: name for name in self.names}
        return names.__getitem__


class Detail(TypeDecorator[str]):
    """Why something failed, in a sentence: whoever writes it, no SQL, path or traceback is kept."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else kept(value)


class QueueList(TypeDecorator[tuple[Queue, ...]]):
    """Queues, comma-separated."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Queue] | None, dialect: Dialect) -> str | None:
        return None if value is None else listed(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Queue, ...] | None:
        return None if value is None else parsed(value)
