"""Families of parts: each part is one file or folder in its family's folder and shows up everywhere by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from memspan.interfaces.spec import PartSpec

Spec = TypeVar("Spec", bound=PartSpec)
Verb = TypeVar("Verb", bound=Callable[..., Any])


class UnknownKind(LookupError):
    """There is no such part in the family."""

    def __init__(self, family: str, kind: str, known: Iterable[str]) -> None:
        kinds = ", ".join(known)
        super().__init__(
            f"There is no {family} of kind {kind!r}. " + (f"Known kinds: {kinds}." if kinds else "None is known yet.")
        )


@dataclass(frozen=True)
class Entry:
    """A part as the catalogue shows it."""

    kind: str
    title: str
    summary: str
    reference: str
    schema: dict[str, Any]


class Family(Generic[Spec]):
    """Binds each spec class of a family to the one pure function that its kind stands for.

    Used as a decorator: ``@task(Latch) def sample(...)``.
    """

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self._package = package
        self._specs: dict[str, type[Spec]] = {}
        self._verbs: dict[str, Callable[..., Any]] = {}

    def __call__(self, spec: type[Spec]) -> Callable[[Verb], Verb]:
        """Register ``spec`` together with the decorated function."""
        kind = spec.model_fields["kind"].default
        if kind in self._specs:
            raise ValueError(f"Two {self.name} files claim the kind {kind!r}.")

        def bind(verb: Verb) -> Verb:
            self._specs[kind], self._verbs[kind] = spec, verb
            return verb

        return bind

    def unlisted(self, spec: type[Spec]) -> Callable[[Verb], Verb]:
        """Bind a spec that no user writes, as it holds something in memory: it is in no catalogue and in no union."""
        kind = spec.model_fields["kind"].default
        if kind in self._verbs:
            raise ValueError(f"Two {self.name} files claim the kind {kind!r}.")

        def bind(verb: Verb) -> Verb:
            self._verbs[kind] = verb
            return verb

        return bind

    def discover(self, path: Iterable[str]) -> None:
        """Import every file and every folder of the family's folder, in alphabetical order.

        A folder is one part, too: what lies in it beside its ``__init__`` serves that part alone, and isn't looked at.
        """
        for module in sorted(info.name for info in pkgutil.iter_modules(path)):
            importlib.import_module(f"{self._package}.{module}")

    def kinds(self) -> tuple[str, ...]:
        return tuple(sorted(self._specs))

    def specs(self) -> tuple[type[Spec], ...]:
        return tuple(self._specs[kind] for kind in self.kinds())

    def spec(self, kind: str) -> type[Spec]:
        """The spec class of a kind, or UnknownKind."""
        if kind not in self._specs:
            raise UnknownKind(self.name, kind, self.kinds())
        return self._specs[kind]

    def verb(self, spec: Spec) -> Callable[..., Any]:
        """The function that a spec's kind is bound to."""
        return self._verbs[spec.kind]

    def union(self) -> Any:
        """The discriminated union of all specs: what a request may hold."""
        specs = self.specs()
        return Annotated[reduce(or_, specs), Field(discriminator="kind")] if len(specs) > 1 else specs[0]

    def entry(self, kind: str) -> Entry:
        """One part with its JSON Schema, or UnknownKind."""
        spec = self.spec(kind)
        return Entry(kind, spec.title, spec.summary(), spec.reference, spec.model_json_schema())

    def catalogue(self) -> tuple[Entry, ...]:
        return tuple(self.entry(kind) for kind in self.kinds())
