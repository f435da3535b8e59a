"""Loss landscapes as maps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from memspan.figures.catalogue import draw
from memspan.figures.render import render, spec
from tests.unit.figures.document import FIRST_LAST, LATCH, LSTM, RNN, document, probe


def surface(size: int = 5, factor: float = 1.0, **scores: float) -> dict[str, Any]:
    """Heights factor (1 + i + j) over points 0 .. size - 1 on either axis."""
    points = list(range(size))
    heights = [[factor * (1 + i + j) for i in points] for j in points]
    words = {"x_label": "layer0.recurrent[0]", "y_label": "layer0.bias[0]", "z_label": "cross-entropy (nats)"}
    return {"kind": "surface", "x": points, "y": points, "z": heights, "n": 32, **words, "scores": scores}


def results(*entries: dict[str, Any]) -> dict[str, Any]:
    return {**document((LATCH, FIRST_LAST)), "probes": list(entries)}


def entry(result: dict[str, Any], model: Any = RNN, length: int | None = 10, task: Any = LATCH) -> dict[str, Any]:
    return probe("landscape", result, task, model, length)


def drawn(*entries: dict[str, Any]) -> dict[str, Any]:
    figure = draw("landscape", results(*entries))
    figure.to_dict(validate=True)
    written = spec(figure, "light")
    assert "NaN" not in json.dumps(written)
    return written


def cells(panel: dict[str, Any]) -> list[dict[str, float]]:
    layer = panel["layer"][0]
    values: list[dict[str, float]] = (layer if "data" in layer else panel)["data"]["values"]
    return values


def test_each_point_is_a_cell_with_its_height() -> None:
    written = drawn(entry(surface()))
    found = {(cell["x"], cell["y"]): cell["z"] for cell in cells(written)}
    assert found == {(i, j): 1 + i + j for i in range(5) for j in range(5)}


def test_cells_meet_half_way_and_fill_the_map() -> None:
    written = drawn(entry(surface(3)))
    lefts = sorted({cell["left"] for cell in cells(written)})
    assert lefts == [0, 0.5, 1.5]
    assert all(cell["right"] > following for cell, following in zip(cells(written), [0.5, 1.5, 2.0], strict=False))


def test_a_fine_grid_is_thinned_from_end_to_end() -> None:
    fine = surface(201)
    found = cells(drawn(entry({**fine, "y": fine["y"][:3], "z": fine["z"][:3]})))
    assert len(found) == 60 * 3
    assert {min(cell["x"] for cell in found), max(cell["x"] for cell in found)} == {0, 200}


def test_a_cross_stands_where_the_weights_do_if_that_is_on_the_map() -> None:
    inside = drawn(entry(surface(checkpoint_x=2.0, checkpoint_y=1.0)))
    assert inside["layer"][1]["data"]["values"] == [{"left": 2.0, "bottom": 1.0}]
    outside = drawn(entry(surface(checkpoint_x=9.0, checkpoint_y=1.0)))
    assert len(outside["layer"]) == len(drawn(entry(surface()))["layer"]) == 1


def test_landscapes_of_one_task_share_their_colours_and_those_of_another_have_their_own() -> None:
    written = drawn(
        entry(surface()), entry(surface(factor=2.0), LSTM), entry(surface(factor=100.0), LSTM, task=FIRST_LAST)
    )
    domains = [panel["layer"][0]["encoding"]["color"]["scale"]["domain"] for panel in written["concat"]]
    assert domains == [[1, 18], [1, 18], [100, 900]]
    assert written["resolve"] == {"scale": {"color": "independent"}}
    titles = [panel["title"]["text"] for panel in written["concat"]]
    assert titles == [
        "rnn · length 10 · latch",
        "lstm · keras · length 10 · latch",
        "lstm · keras · length 10 · first_last",
    ]


@pytest.mark.parametrize(("lowest", "kind", "domain"), [(1.0, "linear", [1, 9]), (1e-9, "log", [0.009, 9])])
def test_colours_follow_the_logarithm_over_a_wide_range_and_end_three_decades_down(
    lowest: float, kind: str, domain: list[float]
) -> None:
    result = surface()
    result["z"][0][0] = lowest
    scale = drawn(entry(result))["layer"][0]["encoding"]["color"]["scale"]
    assert (scale["type"], scale["domain"]) == (kind, domain)


def test_heights_that_are_not_finite_are_blank() -> None:
    result = surface()
    result["z"][0][0], result["z"][1][1] = "NaN", "Infinity"
    assert len(cells(drawn(entry(result)))) == 23


def test_a_map_of_nothing_but_nan_is_not_drawn() -> None:
    result = surface()
    result["z"] = [["NaN"] * 5] * 5
    assert drawn(entry(result))["data"]["values"][0]["text"] == "No loss landscape has been measured yet."


def test_more_than_a_dozen_are_thinned() -> None:
    assert len(drawn(*(entry(surface(), length=length) for length in range(2, 40)))["concat"]) == 12


def test_landscapes_of_different_questions_are_told_apart() -> None:
    first, second = entry(surface()), entry(surface())
    first["spec"], second["spec"] = {**first["spec"], "span": 1.0}, {**second["spec"], "span": 2.0}
    titles = [panel["title"]["text"] for panel in drawn(first, second)["concat"]]
    assert [title.rpartition(" · ")[2] for title in titles] == ["span 1", "span 2"]


def test_scalars_curves_and_unmeasured_probes_are_no_landscapes() -> None:
    waiting = {**entry(surface()), "state": "queued", "result": None}
    assert "text" in drawn(waiting, *document()["probes"])["data"]["values"][0]


def test_a_landscape_becomes_a_file() -> None:
    assert render(draw("landscape", results(entry(surface()))), "png").startswith(b"\x89PNG")
