"""/comparisons: models of several experiments beside each other."""

from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from service.errors import FieldError, Unprocessable
from service.operations import comparisons as operations
from service.operations import ids
from service.pagination import parse_key
from service.routes.dependencies import CurrentContext
from service.routes.pooled import pooled
from service.schemas.comparison import Comparisons
from service.schemas.problem import problems

router = APIRouter(prefix="/comparisons", tags=["results"])
MOST = 8
"""experiments of one comparison"""


@router.get(
    "",
    operation_id="compare",
    summary="Compare the models of several experiments",
    response_model=Comparisons,
    responses=problems(404, 422),
)
@pooled(attrgetter("results"))
def compare(
    request: Request,
    context: CurrentContext,
    experiments: Annotated[
        str, Query(description="ids with commas between them, two to eight", examples=["exp-1,exp-2"], max_length=400)
    ],
) -> dict[str, Any]:
    """Every two models on a task that experiments share, with an interval and a sentence each; and every field in which
    their specs differ."""
    names = list(dict.fromkeys(name.strip() for name in experiments.split(",") if name.strip()))
    if not 2 <= len(names) <= MOST:
        message = f"Give 2 to {MOST} different experiments, such as exp-1,exp-2; given {len(names)}."
        raise Unprocessable(message, errors=[FieldError("#/experiments", "out_of_range", message, experiments)])
    return operations.compared(context, [parse_key(ids.EXPERIMENT, name) for name in names])
