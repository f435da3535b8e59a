"""Weights of a layer in compiled code: each in all lanes, loaded where it is wanted or ahead of a loop."""

from __future__ import annotations

from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.layout import LayerLayout


class BroadcastWeights:
    """Weights of a row in all lanes; those of an unrolled layer are loaded once, ahead of its loop."""

    def __init__(self, code: Code, layout: LayerLayout, row: Any) -> None:
        self._code, self._layout, self._row = code, layout, row
        self._kept: dict[int, Any] = {}

    def __call__(self, place: int, offset: Any = 0) -> Any:
        """The weight some numbers after a place."""
        if isinstance(offset, int) and place + offset in self._kept:
            return self._kept[place + offset]
        return self._code.broadcast(self._row, self._code.plus(place, offset))

    def keep_all(self) -> None:
        """Load all weights of a small layer."""
        layout = self._layout
        self._keep(layout.input_weights, layout.inputs * layout.width)
        self._keep(layout.bias, layout.width)
        if layout.recurrent_weights is not None:
            self._keep(layout.recurrent_weights, layout.size * layout.width)
        if layout.recurrent_bias is not None:
            self._keep(layout.recurrent_bias, layout.width)
        for parameter in layout.parameters:
            self._keep(parameter, layout.size)

    def _keep(self, place: int, count: int) -> None:
        for index in range(place, place + count):
            self._kept[index] = self._code.broadcast(self._row, index)


def offset_by(code: Code, place: int, offset: Any) -> Any:
    """place + offset, worked out here where both are known."""
    return place + offset if isinstance(offset, int) else code.plus(place, offset)
