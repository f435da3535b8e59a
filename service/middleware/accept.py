"""Accept: whether a client is a browser that wants a page."""

from starlette.datastructures import Headers
from starlette.types import Scope


def prefers_html(scope: Scope) -> bool:
    """Browsers name text/html in Accept; curl and programs take anything or name JSON."""
    accept = ",".join(Headers(scope=scope).getlist("accept"))
    weights = dict(_weighed(part) for part in accept.split(",") if part.strip())
    html = max(weights.get("text/html", 0.0), weights.get("application/xhtml+xml", 0.0))
    return html > 0 and html >= weights.get("application/json", 0.0)


def _weighed(part: str) -> tuple[str, float]:
    """A media type and its weight (RFC 9110, 12.4.2); one that can't be read counts as unwanted."""
    kind, *parameters = (piece.strip() for piece in part.lower().split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return kind, float(parameter[2:])
            except ValueError:
                return kind, 0.0
    return kind, 1.0
