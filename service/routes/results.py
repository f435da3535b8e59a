"""/results: the dashboard for browsers, the same numbers as JSON for programs, and figures."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from operator import attrgetter
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

from memspan.figures.catalogue import FIGURES
from service.errors import NotFound
from service.middleware.accept import prefers_html
from service.middleware.visitor import mark
from service.operations import exports, figures, ids
from service.operations import results as operations
from service.operations.context import Context
from service.pages import render_results, render_results_list
from service.pagination import Page, PageQuery, page_query
from service.routes.dependencies import CurrentContext, ExperimentKey
from service.routes.experiments import Narrow, listed
from service.routes.pooled import pooled, pools_of
from service.routes.representation import not_modified, unchanged
from service.schemas.experiment import summary
from service.schemas.problem import problems
from service.schemas.results import Results, Summary

router = APIRouter(prefix="/results", tags=["results"])
VARY = {"Vary": "Accept"}


@router.get(
    "",
    operation_id="list_results",
    summary="All experiments: a page for browsers, JSON for programs",
    response_model=Page[Summary],
    responses={200: {"content": {"text/html": {}}}, **problems(400, 422)},
)
@pooled(attrgetter("results"))
def listing(
    request: Request,
    response: Response,
    context: CurrentContext,
    paging: Annotated[PageQuery, Depends(page_query)],
    narrow: Narrow,
) -> Response:
    """Experiments, newest first, with what they compare and how far they are."""
    data = listed(request, response, context, paging, narrow, show=summary)
    if prefers_html(request.scope):
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return HTMLResponse(render_results_list(data, path, str(request.base_url).rstrip("/")), headers=VARY)
    return JSONResponse(data, headers={**dict(response.headers), **VARY})


@router.get(
    "/{id}",
    operation_id="get_results",
    summary="The results of an experiment",
    response_model=Results,
    responses={
        200: {"content": {"text/html": {}, "text/csv": {}, "application/x-ndjson": {}}},
        304: {"description": "Unchanged."},
        **problems(404),
    },
)
async def look(
    request: Request,
    context: CurrentContext,
    key: ExperimentKey,
    format: Annotated[
        exports.Format | None,
        Query(description="json: this document, also for browsers; csv, jsonl: a file with one row a run"),
    ] = None,
) -> Response:
    """Every condition with its scores, intervals and success rate; memory spans, baselines and probes."""
    pool = pools_of(request).results
    if format in MEDIA:
        name = f"{ids.public(ids.EXPERIMENT, key)}.{format}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        pages = pool.stream(exports.export(context, key, format))
        begun = await anext(pages, b"")  # what can't be answered is known before the answer begins
        return StreamingResponse(_sent(begun, pages), media_type=MEDIA[format], headers=headers)
    return await pool.run(lambda: _document(request, context, key, format))


async def _sent(begun: bytes, pages: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(pages):
        yield begun
        async for page in pages:
            yield page


def _document(request: Request, context: Context, key: int, format: exports.Format | None) -> Response:
    html = format is None and prefers_html(request.scope)
    etag = f'W/"{operations.judged_version(context, key)}-{f"html{mark()}" if html else "json"}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", **VARY}
    if not_modified(request, etag):
        return unchanged(etag, headers)
    if html:
        data = operations.results_document(context, key)
        return HTMLResponse(render_results({**data, "learning": operations.learning(context, key)}), headers=headers)
    return Response(operations.results(context, key), media_type="application/json", headers=headers)


MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


@router.get(
    "/{id}/figures/{name}",
    operation_id="get_figure",
    summary="A figure of the results",
    description=f"One of {', '.join(FIGURES)}; `score.png` for a paper.",
    responses={
        200: {
            "description": "Vega-Lite JSON, or a file where the name ends in .png, .svg or .pdf.",
            "content": {"application/json": {}, "image/png": {}, "image/svg+xml": {}, "application/pdf": {}},
        },
        304: {"description": "Unchanged."},
        **problems(404, 422),
    },
)
async def figure(
    request: Request,
    context: CurrentContext,
    key: ExperimentKey,
    name: Annotated[str, Path(description="of the figure, alone or with .png, .svg or .pdf", examples=["score"])],
    theme: Annotated[figures.Theme, Query(description="of the Vega-Lite JSON; files are always light")] = "light",
) -> Response:
    """A figure by its name as Vega-Lite, or as a file for a paper."""
    short, dot, ending = name.partition(".")
    if short not in FIGURES or (dot and ending not in figures.MEDIA):
        known = ", ".join(FIGURES)
        raise NotFound(f"There is no figure {name[:60]!r}. Known are {known}, alone or with .png, .svg or .pdf.")
    pools = pools_of(request)
    etag = f'W/"{await pools.figures.run(lambda: operations.version(context, key))}-{short}-{ending or theme}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if not_modified(request, etag):
        return unchanged(etag, headers)
    if ending:
        data = await pools.files.run(lambda: figures.draw_file(context, key, short, ending))
    else:
        data = await pools.figures.run(lambda: figures.draw_spec(context, key, short, theme))
    return Response(data, media_type=figures.MEDIA.get(ending, "application/json"), headers=headers)
