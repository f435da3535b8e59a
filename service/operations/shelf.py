"""A shelf: keeps what was made last, up to a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Name = TypeVar("Name")
Thing = TypeVar("Thing")


class Shelf(Generic[Name, Thing]):
    """A cache bounded by bytes; the thing used longest ago goes first. Safe to share between threads.

    Whoever holds a thing keeps it alive, on the shelf or not.
    """

    def __init__(self, most_bytes: int, size: Callable[[Thing], int]) -> None:
        self._most, self._size = most_bytes, size
        self._things: OrderedDict[Name, Thing] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, name: Name, make: Callable[[], Thing]) -> Thing:
        """The thing of that name, made now unless it is on the shelf. Two threads may make the same one at once."""
        with self._lock:
            if name in self._things:
                self._things.move_to_end(name)
                return self._things[name]
        thing = make()
        with self._lock:
            if name not in self._things:
                self._things[name] = thing
                self._bytes += self._size(thing)
            while self._bytes > self._most and len(self._things) > 1:
                self._bytes -= self._size(self._things.popitem(last=False)[1])
        return thing
