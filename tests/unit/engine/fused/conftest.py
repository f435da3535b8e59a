"""All tests of the fused engine compile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compiled import compiling


@pytest.fixture(autouse=True, scope="package")
def compiled() -> Iterator[None]:
    with compiling():
        yield
