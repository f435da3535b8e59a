"""One optimiser step a call, in either engine, so that a test may stop a run at any step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memspan.engine.fused import backend


@pytest.fixture(autouse=True, scope="package")
def one_step_a_call() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "CALL_SECONDS", 0.0)
        yield
