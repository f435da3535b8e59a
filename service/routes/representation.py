"""Which representation a client wants, and whether it has it already."""

from fastapi import Request, Response


def prefers_html(request: Request) -> bool:
    """Browsers name text/html in Accept; curl and programs take anything or name JSON."""
    weights = dict(_weighed(part) for part in request.headers.get("accept", "").split(",") if part.strip())
    html = max(weights.get("text/html", 0.0), weights.get("application/xhtml+xml", 0.0))
    return html > 0 and html >= weights.get("application/json", 0.0)


def _weighed(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.lower().split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return kind, float(parameter[2:])
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def not_modified(request: Request, etag: str) -> bool:
    """Whether the client already has the representation with this entity tag (RFC 9110, 13.1.2)."""
    given = request.headers.get("if-none-match", "")
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return given.strip() == "*" or etag.removeprefix("W/") in tags


def unchanged(etag: str) -> Response:
    return Response(status_code=304, headers={"ETag": etag, "Vary": "Accept"})
