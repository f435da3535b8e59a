"""Examples: each is one of the shape that it stands for."""

from __future__ import annotations

from typing import Any

import pytest

from service.schemas import checkpoint, events, experiment, key, plan, probe, problem, results, run, study
from service.schemas.catalogue import Samples
from service.schemas.examples import EXAMPLES

SHAPES: dict[str, Any] = {
    name: value
    for module in (checkpoint, events, experiment, key, plan, probe, problem, results, run, study)
    for name, value in vars(module).items()
} | {"Samples": Samples}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_an_answer(name: str) -> None:
    SHAPES[name].model_validate(EXAMPLES[name], strict=True)
    named = {field.alias or key for key, field in SHAPES[name].model_fields.items()}
    assert set(EXAMPLES[name]) <= named, "no field that the shape doesn't name"
