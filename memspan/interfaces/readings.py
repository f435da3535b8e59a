"""What a probe returns. Every kind carries n and a 95 % interval, so a new probe needs no table, schema or chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Scalars:
    """Named numbers, each with its interval.

    Attributes:
        n: repeats that the interval is over; sequences, where there is one model only.
        units: of each value.
        baseline: what each value would be for a perfect answer, where that is known.
    """

    kind: ClassVar[str] = "scalars"
    values: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    n: int
    units: Mapping[str, str]
    baseline: Mapping[str, float] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Curve:
    """A line with a band: y, low and high over x.

    Attributes:
        n: as in Scalars.
        baseline: a height to hold the line against, or one for each x, e.g. that of a model without memory.
        scores: what the line as a whole comes to, by name, e.g. ``auc``; None where it is not defined. The ends of a
            score's interval stand beside it as ``auc_low`` and ``auc_high``.
    """

    kind: ClassVar[str] = "curve"
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int
    x_label: str
    y_label: str
    x_unit: str
    y_unit: str
    baseline: float | tuple[float, ...] | None = None
    scores: Mapping[str, float | None] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Surface:
    """A height z over a grid of x (columns) and y (rows).

    Attributes:
        n: sequences that each height is a mean over.
        scores: what the surface as a whole comes to, by name; ``checkpoint_x`` and ``checkpoint_y`` are where the
            weights stand.
    """

    kind: ClassVar[str] = "surface"
    x: tuple[float, ...]
    y: tuple[float, ...]
    z: tuple[tuple[float, ...], ...]
    n: int
    x_label: str
    y_label: str
    z_label: str
    scores: Mapping[str, float | None] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


Reading = Scalars | Curve | Surface
