"""Sent files: a file with what is said of it, as a raw body or as a form."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Annotated, Any, TypeVar

from anyio.to_thread import run_sync
from fastapi import Query, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Message as Part

from memspan.validation.places import places
from service.errors import BadRequest, FieldError, Unprocessable, UnsupportedMediaType
from service.middleware.field_errors import field_errors_at
from service.middleware.upload import Upload, no_room, upload_of

Model = TypeVar("Model", bound=BaseModel)

FORM = "multipart/form-data"
OPTIONS_BYTES = 64 * 1024
LONGEST_QUERY = 8_000
"""characters of options in an address, which many programs cut; a form has room for more"""
PIECE_BYTES = 2**18
LONGEST_NAME = 200


@dataclass(frozen=True)
class SentFile:
    """A file, the name that its sender gave it, and the JSON that came with it."""

    file: IO[bytes]
    name: str
    options: str


async def sent_file(
    request: Request,
    name: Annotated[
        str | None, Query(description="what it is called; a form's file has a name of its own", max_length=LONGEST_NAME)
    ] = None,
    options: Annotated[
        str | None, Query(description="how to read it, as JSON; in a form it is a field", max_length=LONGEST_QUERY)
    ] = None,
) -> AsyncIterator[SentFile]:
    """A FastAPI dependency that reads a file which ``Uploads`` has put aside.

    Raises:
        BadRequest: there is none, or the form is damaged.
        Unprocessable: the form has other fields, or the name can't be shown.
    """
    upload = upload_of(request.scope)
    if _media_type(request) != FORM:
        yield SentFile(upload.file, _checked(name or "unnamed", "?name"), options or "{}")
        return
    async with _form(request, upload) as form:
        unknown = sorted(set(form) - {"file", "options"})
        file = form.get("file")
        if unknown or not isinstance(file, UploadFile) or len(form.multi_items()) > len(form):
            message = "A form has one `file`, and `options` as JSON beside it if they are needed."
            raise Unprocessable(
                message, errors=[FieldError("#/" + (unknown[0] if unknown else "file"), "wrong_form", message)]
            )
        given = form.get("options", options or "{}")
        text = (await given.read()).decode("utf-8", "replace") if isinstance(given, UploadFile) else str(given)
        yield SentFile(file.file, _checked(name or file.filename or "unnamed", "#/file"), text)


def _media_type(request: Request) -> str:
    header = Message()
    header["content-type"] = request.headers.get("content-type", "application/octet-stream")
    found = header.get_content_type()
    if found in ("application/json", "text/html", "application/zip") or found.startswith("image/"):
        message = f"A data set is CSV, Parquet, NPY, NPZ, or a form with one of them, not {found[:100]}."
        raise UnsupportedMediaType(message, headers={"Accept": f"text/csv, application/octet-stream, {FORM}"})
    return found


def _form(request: Request, upload: Upload) -> Any:
    """The form in an upload; its file goes into the home folder, too, where there is room for it."""
    upload.file.seek(0)

    async def receive() -> Part:
        piece = await run_sync(upload.file.read, PIECE_BYTES)
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    return _Form(Request(request.scope, receive), request.app.state.settings.home)


class _Parser(MultiPartParser):
    """Puts files into a folder: the system's own for such files is often small, or lies in memory."""

    folder = Path()

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        if self._current_part.file is not None:
            file: Any = TemporaryFile(dir=self.folder, prefix="upload-")  # noqa: SIM115, closed with the form
            self._current_part.file.file.close()
            self._current_part.file.file = file
            self._files_to_close_on_error.append(file)


class _Form:
    """A form that is closed with the block that uses it; what is wrong with it is a problem."""

    def __init__(self, request: Request, folder: Path) -> None:
        self._parser = _Parser(
            request.headers, request.stream(), max_files=2, max_fields=4, max_part_size=OPTIONS_BYTES
        )
        self._parser.folder = folder
        self._form = FormData()

    async def __aenter__(self) -> FormData:
        try:
            self._form = await self._parser.parse()
        except MultiPartException as error:
            raise BadRequest(f"The form can't be read: {error.message.rstrip('.')}.") from None
        except OSError as error:
            raise no_room(error) from error
        return self._form

    async def __aexit__(self, *_: object) -> None:
        with suppress(OSError):
            await self._form.close()


def _checked(name: str, pointer: str) -> str:
    """A name that can be stored and shown."""
    if len(name) > LONGEST_NAME or any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in name):
        message = f"A name has at most {LONGEST_NAME} characters, and no control characters."
        raise Unprocessable(message, errors=[FieldError(pointer, "wrong_form", message, name)])
    return name


def parsed_options(model: type[Model], text: str) -> Model:
    """What was said of a file.

    Raises:
        Unprocessable: names every wrong field.
    """
    try:
        return model.model_validate_json(text, strict=False)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            message = "`options` is no JSON."
            raise Unprocessable(message, errors=[FieldError("#/options", "wrong_form", message, text)]) from None
        found = [
            FieldError(each.pointer.replace("#", "#/options", 1), each.code, each.message, each.given)
            for each in field_errors_at(places(error, _body(text)))
        ]
        raise Unprocessable(found[0].message, errors=found) from None


def _body(text: str) -> Any:
    from pydantic_core import from_json

    return from_json(text)
