"""Names of reference lines."""

from __future__ import annotations

import altair as alt

from memspan.figures.line_names import merged

LINEAR = alt.Scale(domain=[0.5, 1.0])


def line(name: str, value: float) -> dict[str, object]:
    return {"name": name, "value": value}


def names(lines: list[dict[str, object]], scale: alt.Scale = LINEAR, *, below: bool = False) -> dict[str, object]:
    return {row["name"]: row["value"] for row in merged(lines, scale, 0.06, below=below)}


def test_lines_that_lie_apart_keep_their_names() -> None:
    lines = [line("chance", 0.5), line("integrator", 0.9), line("guessing", 0.94)]
    assert names(lines) == {"chance": 0.5, "integrator": 0.9, "guessing": 0.94}


def test_near_lines_are_named_together_at_the_side_where_names_are_written() -> None:
    lines = [line("window 5", 0.95), line("window 6", 0.96), line("chance", 0.5)]
    assert names(lines) == {"chance": 0.5, "window 5, window 6": 0.96}
    assert names(lines, below=True) == {"chance": 0.5, "window 5, window 6": 0.95}


def test_of_many_near_lines_the_first_and_the_last_are_named() -> None:
    lines = [line(f"window {k}", 1 - 2.0**-k / 10) for k in range(1, 8)]
    assert names(lines) == {"window 1 … window 7": lines[-1]["value"]}


def test_the_distance_on_a_logarithmic_axis_is_that_of_logarithms() -> None:
    scale = alt.Scale(type="log", domain=[1e-4, 1.0])
    assert names([line("a", 1e-4), line("b", 1e-3)], scale) == {"a": 1e-4, "b": 1e-3}
    assert names([line("a", 0.9), line("b", 1.0)], scale) == {"a, b": 1.0}


def test_without_a_range_equal_lines_alone_share_a_name() -> None:
    lines = [line("a", 1.0), line("b", 1.0), line("c", 1.000001)]
    assert names(lines, alt.Scale(zero=False)) == {"a, b": 1.0, "c": 1.000001}
    assert merged([], LINEAR, 0.06) == []
