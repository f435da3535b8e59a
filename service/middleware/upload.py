"""Uploads: large bodies go into a file as they come, so that none of them lies in memory."""

import errno
import hashlib
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import IO

import anyio
from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BadRequest, Busy, NoRoom, Problem, TooLarge
from service.middleware.problem_response import problem_response

UPLOAD = "upload"
"""where a request's state has it"""
AT_ONCE = 4
"""uploads that arrive at the same time"""
SILENT_SECONDS = 60.0
"""after which one that brings nothing makes room for others"""
PATIENT_SECONDS = 60.0
"""so long an upload may take, however slow it is"""
SLOWEST = 64 * 1024
"""bytes a second that one brings on the average after that, where somebody else found no place"""
PIECE_BYTES = 2**20


@dataclass(frozen=True)
class Upload:
    """A body that has arrived, as a file without a name, which is gone once it is closed.

    Attributes:
        sha256: of the body, in hexadecimal.
    """

    file: IO[bytes]
    bytes: int
    sha256: str


class Uploads:
    """Puts the bodies of some routes into files: inside there is an ``Upload`` in the request's state, and no body.

    The file lies in ``folder``, which has to have room for it. Who may not ask must be refused outside.

    Args:
        most_bytes: of a body, by its route (a POST).
    """

    def __init__(self, app: ASGIApp, folder: Path, most_bytes: dict[str, tuple[int, str]]) -> None:
        self.app = app
        self._folder, self._most = folder, most_bytes
        self._inside = 0
        self._refused_at = -inf
        """when somebody found no place, by the loop's clock"""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, an upload once all of it is there."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._most:
            await self.app(scope, receive, send)
            return
        try:
            upload = await self._arrived(scope, receive)
        except Problem as problem:
            await problem_response(problem, scope)(scope, receive, send)
            return
        if (
            upload is None
        ):  # nobody reads it, but without an answer logs and meters would count a failure of the service
            gone = BadRequest("The client went away before its file was complete.")
            await problem_response(gone, scope)(scope, receive, send)
            return
        with upload.file:
            scope.setdefault("state", {})[UPLOAD] = upload
            scope["headers"] = _headers_without_body(scope)
            await self.app(scope, _Nothing(receive).receive, send)

    async def _arrived(self, scope: Scope, receive: Receive) -> Upload | None:
        """The body as a file; None if the client went away."""
        most, setting = self._most[scope["path"]]
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isascii() and announced.isdigit() and (len(announced) > 20 or int(announced) > most):
            raise _too_large(announced[:20] + " bytes", most, setting)
        if self._inside >= AT_ONCE:
            self._refused_at = anyio.current_time()
            raise Busy(f"{AT_ONCE} files are being sent already, and no more may. Ask again soon.")
        self._inside += 1
        try:
            return await self._stored(receive, most, setting, anyio.current_time())
        except OSError as error:
            raise no_room(error) from error
        finally:
            self._inside -= 1

    async def _stored(self, receive: Receive, most: int, setting: str, began: float) -> Upload | None:
        file = await run_sync(lambda: tempfile.TemporaryFile(dir=self._folder, prefix="upload-"))  # noqa: SIM115, closed by whom it is handed to
        digest, size, waiting = hashlib.sha256(), 0, bytearray()
        try:
            while True:
                message = await _next(receive)
                if message["type"] == "http.disconnect":
                    file.close()
                    return None
                waiting += message.get("body", b"")
                size += len(message.get("body", b""))
                if size > most:
                    raise _too_large("more than that", most, setting)
                is_last = not message.get("more_body", False)
                if not is_last:
                    self._check_pace(size, began)
                if is_last or len(waiting) >= PIECE_BYTES:
                    await run_sync(_add, file, digest, bytes(waiting))
                    waiting.clear()
                if is_last:
                    return Upload(file, size, digest.hexdigest())
        except BaseException:
            with suppress(OSError):  # where the disk is full it can't write its last piece either
                file.close()
            raise

    def _check_pace(self, size: int, began: float) -> None:
        """Some bytes now and then must not keep a place from others for ever."""
        seconds = anyio.current_time() - began
        if self._refused_at >= began and seconds > PATIENT_SECONDS and size < SLOWEST * seconds:
            raise Busy(f"Fewer than {SLOWEST} bytes a second came while others wanted to send. Send it again later.")


def no_room(error: OSError) -> Exception:
    """What a client is told where a file can't be put aside: that the disk is full, if that is why."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    return NoRoom("The disk is full, and nothing of the file was kept. Make room, and send it again.")


def _add(file: IO[bytes], digest: "hashlib._Hash", piece: bytes) -> None:
    digest.update(piece)
    file.write(piece)
    file.flush()


async def _next(receive: Receive) -> Message:
    with anyio.move_on_after(SILENT_SECONDS):
        return await receive()
    raise Busy(f"Nothing more of the file came for {SILENT_SECONDS:g} s. Send it again.")


def _headers_without_body(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers as those of a request without a body: nobody waits for one, or asks for room for it."""
    of_body = (b"content-length", b"transfer-encoding")
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in of_body]
    return [*headers, (b"content-length", b"0")]


class _Nothing:
    """An empty body, and then what comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._is_read = receive, False

    async def receive(self) -> Message:
        if self._is_read:
            return await self._receive()
        self._is_read = True
        return {"type": "http.request", "body": b"", "more_body": False}


def _too_large(given: str, most: int, setting: str) -> TooLarge:
    return TooLarge(f"The file may have at most {most} bytes ({setting}); sent: {given}.")


def upload_of(scope: Scope) -> Upload:
    """The upload of a request.

    Raises:
        BadRequest: it is empty.
    """
    upload: Upload = scope["state"][UPLOAD]
    if not upload.bytes:
        raise BadRequest("The body is empty; a file is expected.")
    return upload
