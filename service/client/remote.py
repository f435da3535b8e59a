"""A service elsewhere, asked from Python: ``memspan.connect(url, key)``."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from service.client.connection import opened, post
from service.client.stream import follow


class Refused(Exception):
    """The service has answered with a problem: its sentences are the message, ``document`` is the whole of it.

    Attributes:
        status: of HTTP; 401 without a key that works, 403 where its scope is too small.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        told = [str(document.get("detail", f"The service answered {status}."))]
        super().__init__(
            "\n".join(told + [f"{each['pointer']}: {each['message']}" for each in document.get("errors", ())])
        )
        self.status, self.document = status, document


class RemoteService:
    """A service elsewhere. Answers are the documents of its HTTP API; close it, or use it in a ``with`` block."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def submit(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Post an experiment, once even if the first answer is lost; it trains behind."""
        with _refusals():
            return post(self._client, "/experiments", json.dumps(spec))

    def run(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Post an experiment and wait for its end; its results."""
        submitted = self.submit(spec)
        self.wait(submitted["id"])
        return self.get(submitted["links"]["results"])

    def wait(self, id: str) -> dict[str, Any]:
        """An experiment once it has ended; a lost connection is taken up again."""
        with _refusals():
            for _ in follow(self._client, f"/experiments/{id}/events"):
                pass
        return self.get(f"/experiments/{id}")

    def retry(self, id: str) -> dict[str, Any]:
        """Let what failed in an experiment that has ended be tried once more."""
        return self.post(f"/experiments/{id}/retry")

    def extend(self, id: str, *, repeats: int | None = None, epochs: int | None = None) -> dict[str, Any]:
        """Ask for more repeats or epochs of an experiment that has ended; ``extension`` says how its runs go on."""
        asked = {"repeats": repeats, "epochs": epochs}
        body = json.dumps({name: more for name, more in asked.items() if more is not None})
        with _refusals():
            return post(self._client, f"/experiments/{id}/extend", body)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The document at a path."""
        return self._asked("GET", path, params=query or None)

    def post(self, path: str, body: Any = None) -> dict[str, Any]:
        """What a path answers to a JSON body."""
        return self._asked("POST", path, json=body)

    def delete(self, path: str) -> None:
        """Delete what is at a path."""
        self._asked("DELETE", path)

    def _asked(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        with _refusals():
            answer = self._client.request(method, path, **options).raise_for_status()
            return dict(answer.json()) if answer.content else {}

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@contextmanager
def _refusals() -> Iterator[None]:
    """Problems of the service as exceptions."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        error.response.read()
        try:
            document = error.response.json()
        except ValueError:
            document = {}
        raise Refused(error.response.status_code, document) from None


def connect(url: str, key: str | None = None) -> RemoteService:
    """A service elsewhere.

    Args:
        url: where it is, such as ``http://127.0.0.1:8000``.
        key: that lets in, ``mspn_...``; $MEMSPAN_KEY if left out, and none where that is not set either.
    """
    return RemoteService(opened(url, key))
