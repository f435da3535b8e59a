"""Pages that are no answers: the way in, and the files that pages need."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from service.errors import NotFound
from service.pages import compressed_bundle, javascript_bundle, render_docs
from service.pages.environment import BUNDLE, STATIC, static_digest
from service.routes.representation import not_modified, unchanged

router = APIRouter(include_in_schema=False)
FOR_EVER = "public, max-age=31536000, immutable"
MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@router.get("/")
def home() -> Response:
    """The dashboard is the way in."""
    return RedirectResponse("/results")


@router.get("/docs")
def docs(request: Request) -> Response:
    """Every operation of the API, with command lines that ask this very host."""
    page = render_docs(request.app.openapi(), str(request.base_url).rstrip("/"))
    return HTMLResponse(page, headers={"Cache-Control": "no-cache"})


@router.get("/static/vega.js")
def vega(request: Request) -> Response:
    """The chart library, from the package that draws the files too."""
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers = {"Vary": "Accept-Encoding", "Content-Encoding": "gzip"}
        return _kept(request, BUNDLE, compressed_bundle, ".js", headers)
    return _kept(request, BUNDLE, javascript_bundle, ".js", {})


@router.get("/static/{name}")
def static(name: str, request: Request) -> Response:
    """A file of the dashboard."""
    path = STATIC / name
    if path.parent != STATIC or path.suffix not in MEDIA or not path.is_file():
        raise NotFound("There is no such file.")
    return _kept(request, name, path.read_bytes, path.suffix, {})


def _kept(request: Request, name: str, read: Callable[[], bytes], suffix: str, headers: Mapping[str, str]) -> Response:
    """A file that a browser keeps: for ever where it asked by digest, else until it has asked whether that is new."""
    digest = static_digest(name)
    etag = f'W/"{digest}"'
    keep = FOR_EVER if request.query_params.get("v") == digest else "no-cache"
    if not_modified(request, etag):
        return unchanged(etag, {"Cache-Control": keep})
    return Response(read(), media_type=MEDIA[suffix], headers={"ETag": etag, "Cache-Control": keep, **headers})
