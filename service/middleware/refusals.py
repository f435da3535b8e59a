"""Refusals: attempts that were refused are noted in the audit trail, at a pace that fills no disk."""

import time
from collections.abc import Callable
from threading import Lock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.middleware.keyring import Keyring
from service.middleware.problem_response import path_of
from service.middleware.request_id import request_id_of
from service.operations import audit
from service.operations.action import Action
from service.operations.caller import Caller

REFUSED = frozenset({401, 403, 421, 429})
AT_ONCE = 200
"""refusals that are noted whatever their pace"""
SECONDS_EACH = 30.0
"""one in so long, afterwards: a process under attack for a year notes a million, some hundred megabytes"""
LONGEST_PATH = 500


class Refusals:
    """Notes each answer that is a refusal: whose, of what, from where. What is too much is counted in the next one."""

    def __init__(self, app: ASGIApp, keyring: Keyring, clock: Callable[[], float] = time.monotonic) -> None:
        self.app = app
        self._keyring = keyring
        self._ration = Ration(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and note what is refused."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in REFUSED:
                self._note(scope, message["status"])
            await send(message)

        await self.app(scope, receive, send_and_note)

    def _note(self, scope: Scope, status: int) -> None:
        left_out = self._ration.take()
        if left_out is None:
            return
        client = scope.get("client")
        caller: Caller = scope.get("state", {}).get("caller") or Caller(
            address=str(client[0]) if client else None,
            method=scope["method"],
            path=path_of(scope)[:LONGEST_PATH],
            request_id=request_id_of(scope),
        )
        detail = f"{left_out} more were refused before it and are not listed" if left_out else None
        entry = audit.entry(caller, Action.REFUSED, None, status, detail)
        self._keyring.note_refused(entry)


class Ration:
    """So many at once, and one in a while."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, Lock()
        self._left, self._at, self._left_out = float(AT_ONCE), clock(), 0

    def take(self) -> int | None:
        """How many were left out since the last one that was taken; None where this one is left out, too."""
        with self._lock:
            now = self._clock()
            self._left = min(self._left + (now - self._at) / SECONDS_EACH, AT_ONCE)
            self._at = now
            if self._left < 1:
                self._left_out += 1
                return None
            self._left -= 1
            left_out, self._left_out = self._left_out, 0
            return left_out
