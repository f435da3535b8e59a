"""Pages that are no answers: the way in, and the files that pages need."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from service.errors import NotFound
from service.pages import javascript_bundle, render_docs
from service.pages.environment import STATIC
from service.routes.representation import not_modified, unchanged

router = APIRouter(include_in_schema=False)
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
    data = javascript_bundle()
    etag = f'W/"{len(data)}"'
    if not_modified(request, etag):
        return unchanged(etag)
    return Response(data, media_type="text/javascript", headers={"ETag": etag, "Cache-Control": "max-age=3600"})


@router.get("/static/{name}")
def static(name: str, request: Request) -> Response:
    """A file of the dashboard."""
    path = STATIC / name
    if path.parent != STATIC or path.suffix not in MEDIA or not path.is_file():
        raise NotFound("There is no such file.")
    etag = f'W/"{path.stat().st_mtime_ns:x}"'
    if not_modified(request, etag):
        return unchanged(etag)
    return Response(
        path.read_bytes(), media_type=MEDIA[path.suffix], headers={"ETag": etag, "Cache-Control": "no-cache"}
    )
