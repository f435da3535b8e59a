"""The connection to a service: one client, and a sentence for whatever goes wrong on the way."""

import json
import os
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console

NOT_SENT, REFUSED, ENDED_BADLY, INTERRUPTED = 3, 2, 1, 130
"""exit statuses"""


def opened(server: str, key: str | None = None) -> httpx.Client:
    """A client of a service, which shows a key: the given one, or $MEMSPAN_KEY."""
    key = os.environ.get("MEMSPAN_KEY", "") if key is None else key
    headers = {"Authorization": f"Bearer {key.strip()}"} if key.strip() else {}
    return httpx.Client(base_url=server, timeout=30.0, headers=headers)


def connected(server: str, console: Console, act: Callable[[httpx.Client], int]) -> int:
    """Do something with a client of the service; the exit status, 0 only if all went well."""
    with opened(server) as client:
        try:
            return act(client)
        except httpx.HTTPStatusError as error:
            say(console, error.response)
            return REFUSED
        except httpx.UnsupportedProtocol:
            console.print(f"[red]{server} is no address of a service:[/] it must begin with http:// or https://")
            return NOT_SENT
        except httpx.TransportError as error:
            console.print(f"[red]{server} can't be reached: {error}.[/] Is it running? Start it with: memspan serve")
            return NOT_SENT


def post(client: httpx.Client, path: str, body: str) -> dict[str, Any]:
    """Post JSON once, even if the first answer is lost; the answer."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid4().hex}
    for tries in range(3):
        try:
            response = client.post(path, content=body.encode(), headers=headers)
            break
        except httpx.ReadTimeout:
            if tries == 2:
                raise
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def say(console: Console, response: httpx.Response) -> None:
    """Show a problem document as sentences."""
    try:
        response.read()
        problem = response.json()
    except json.JSONDecodeError:
        problem = {"title": f"The service answered {response.status_code}.", "detail": response.text[:500]}
    console.print(f"[red]{problem.get('title', 'Refused')}:[/] {problem.get('detail', '')}", highlight=False)
    for error in problem.get("errors") or ():
        console.print(f"  {error['pointer']}: {error['message']}", highlight=False, markup=False)
