"""For tests of compiled loops: they are compiled whatever $MEMSPAN_ENGINE says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from memspan.engine.fused import scope


@contextmanager
def compiling() -> Iterator[None]:
    """The measured choice of engines, for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMSPAN_ENGINE", "auto")
        scope.works.cache_clear()
        yield
    scope.works.cache_clear()
