"""Representations: whether a client has one already."""

from collections.abc import Mapping

from fastapi import Request, Response


def not_modified(request: Request, etag: str) -> bool:
    """Whether the client already has the representation with this entity tag (RFC 9110, 13.1.2)."""
    given = request.headers.get("if-none-match", "")
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return given.strip() == "*" or etag.removeprefix("W/") in tags


def unchanged(etag: str, headers: Mapping[str, str] | None = None) -> Response:
    """304 with the headers that a 200 would have had (RFC 9110, 15.4.5), which may have been compressed."""
    given = dict(headers or {})
    vary = ", ".join(filter(None, (given.get("Vary"), "Accept-Encoding")))
    return Response(status_code=304, headers={**given, "ETag": etag, "Vary": vary})
