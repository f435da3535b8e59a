"""The body of an import: a multipart form with a file and its options, or the file alone with options in the query."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from service.errors import BadRequest, FieldError, Unprocessable, UnsupportedMediaType
from service.middleware.body import json_reader
from service.operations.import_options import ImportOptions

read_options = json_reader(ImportOptions)
FORM, FILE = "multipart/form-data", "application/octet-stream"
MOST_FIELDS = 4
MOST_OPTIONS_BYTES = 4 * 2**20


@dataclass(frozen=True)
class ImportedFile:
    """A model's file, and what its owner says about it."""

    data: bytes
    options: ImportOptions


async def imported_file(request: Request) -> ImportedFile:
    """A FastAPI dependency that reads the body of an import.

    Raises:
        UnsupportedMediaType, BadRequest, Unprocessable.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        data, text = await _form(request)
    elif kind == FILE:
        data, text = await request.body(), request.query_params.get("options", "").encode()
    else:
        raise UnsupportedMediaType(
            f"The body must be {FORM} with file and options, or {FILE} with ?options=, not {kind[:100]!r}.",
            headers={"Accept": f"{FORM}, {FILE}"},
        )
    return ImportedFile(data, await read_options(request, text or b"{}"))


async def _form(request: Request) -> tuple[bytes, bytes]:
    """The file and the options of a form."""
    try:
        async with request.form(max_files=2, max_fields=MOST_FIELDS, max_part_size=MOST_OPTIONS_BYTES) as form:
            file, options = form.get("file"), form.get("options", "")
            if not isinstance(file, UploadFile):
                message = "The form has no file: send it as -F file=@model.onnx."
                raise Unprocessable(message, errors=[FieldError("#/file", "missing", message)])
            if strange := sorted(set(form) - {"file", "options"}):
                message = f"The form has a field {strange[0][:60]!r}; only file and options are read."
                raise Unprocessable(message, errors=[FieldError(f"#/{strange[0][:60]}", "unknown_field", message)])
            if len(form.multi_items()) > len(form):
                message = "The form has file or options twice; send each once."
                raise Unprocessable(message, errors=[FieldError("#/file", "wrong_form", message)])
            return await file.read(), await _text(options)
    except MultiPartException as reason:
        raise BadRequest(f"The form can't be read: {reason.message}") from None


async def _text(options: Any) -> bytes:
    """Options as they come: a field, or a small file of a form (``-F options=@options.json``)."""
    return await options.read() if isinstance(options, UploadFile) else str(options).encode()


def documented_import() -> dict[str, Any]:
    """The body's description in OpenAPI."""
    file = {"type": "string", "format": "binary", "description": "ONNX, or safetensors in a layout of torch or Keras"}
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, "options": {"type": "string", "contentMediaType": "application/json"}},
        "additionalProperties": False,
    }
    shown = {"file": "(bytes of model.onnx)", "options": '{"task": {"kind": "latch"}, "length": 50}'}
    content = {FORM: {"schema": form, "examples": {"onnx": {"value": shown}}}, FILE: {"schema": file}}
    return {"requestBody": {"required": True, "content": content}}
