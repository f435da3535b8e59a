"""/workers, /queue, /health and /metrics: for those who run the service."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from service.operations import exposition, health, ids
from service.operations.times import rfc3339
from service.routes.dependencies import CurrentContext
from service.routes.pooled import pools_of
from service.schemas.monitoring import Health, Queues, Workers
from service.schemas.problem import problems
from service.storage.workers import WorkerRecord

router = APIRouter(tags=["operating"])


@router.get(
    "/workers", operation_id="list_workers", summary="Who works on what", response_model=Workers, responses=problems()
)
def workers(context: CurrentContext) -> dict[str, Any]:
    """Every known worker: its process, device, what it works on, and the age of its last beat."""
    return {"items": [_worker(row) for row in health.known_workers(context)]}


def _worker(row: WorkerRecord) -> dict[str, Any]:
    return {
        "name": row.name,
        "host": row.host,
        "pid": row.pid,
        "queues": row.queues,
        "device": row.device,
        "state": health.state(row),
        "experiment": None if row.held is None else ids.public(ids.EXPERIMENT, row.held),
        "started_at": rfc3339(row.started_at),
        "beat_age_seconds": round(max(row.age, 0.0), 2),
    }


@router.get("/queue", operation_id="get_queue", summary="What waits", response_model=Queues, responses=problems())
def queue(context: CurrentContext) -> dict[str, Any]:
    """For each queue what waits, what is leased, and the oldest wait."""
    return {"items": [asdict(depth) for depth in health.queue(context)]}


@router.get("/health/live", operation_id="live", summary="Whether the process lives", response_model=Health)
async def live() -> dict[str, Any]:
    """Touches nothing but the process: it is answered between two turns of the event loop and waits for no thread."""
    return {"status": "ok", "components": {}}


@router.get(
    "/health/ready",
    operation_id="ready",
    summary="Whether requests can be served",
    response_model=Health,
    responses={503: {"description": "The database is away, or its schema is another.", "model": Health}},
)
async def ready(request: Request) -> Response:
    """Database and schema must be there; a broker that is away only delays, so the answer stays 200 (degraded)."""
    state = request.app.state  # not as a dependency, for which it would wait among all others
    fine, answer = await pools_of(request).health.run(lambda: health.readiness(state.context, state.revision))
    return JSONResponse(answer, status_code=200 if fine else 503)


@router.get(
    "/metrics", operation_id="prometheus", summary="Metrics for Prometheus", response_class=PlainTextResponse,
    responses=problems(),
)  # fmt: skip
def metrics(context: CurrentContext) -> Response:
    """What this process and all workers have done, what waits, who works and how full disks are, as Prometheus' text.

    Answered while the database is away, too: then `memspan_database_up` is 0, and what is read from it is missing.
    """
    return Response(exposition.exposition(context), media_type=exposition.MEDIA)
