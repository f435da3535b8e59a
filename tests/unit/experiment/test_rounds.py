"""Rounds of a whole experiment: which runs come first, and which follow."""

from __future__ import annotations

from typing import Any

from memspan.experiment.grid import conditions
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.results import document
from memspan.experiment.rounds import following, opening
from memspan.experiment.run import parse
from memspan.experiment.run_row import RunRow
from memspan.experiment.series import Series, all_series, series_of

SEARCH: dict[str, Any] = {
    "tasks": [{"kind": "latch"}, {"kind": "regression"}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "mlp"}],
    "lengths": {"search": {"low": 2, "high": 40}},
    "repeats": 10,
}
SPEC = parse(SEARCH)
COUNT = len(SPEC.lengths.search.candidates())  # type: ignore[union-attr]


def solved_below(length: int) -> list[RunRow]:
    """The opening of the first series, solved at all lengths below one."""
    return [
        RunRow(allocation.position, repeat, "succeeded", {"test_accuracy": float(at(allocation.position) < length)})
        for allocation in opening(SPEC, all_series(SPEC)[0])
        for repeat in allocation.repeats
    ]


def at(position: int) -> int:
    length = conditions(SPEC)[position].length
    assert length is not None
    return length


def test_each_task_and_model_with_lengths_is_a_line_of_its_own() -> None:
    search = SPEC.lengths.search  # type: ignore[union-attr]
    assert all_series(SPEC) == (
        Series(range(COUNT), search),
        Series(range(COUNT, 2 * COUNT), search),
        Series(range(2 * COUNT, 2 * COUNT + 1)),
        Series(range(2 * COUNT + 1, 2 * COUNT + 2)),
    )
    assert len(conditions(SPEC)) == 2 * COUNT + 2


def test_positions_are_traced_to_their_lines() -> None:
    assert series_of(SPEC, [3, 0, 2 * COUNT]) == (all_series(SPEC)[0], all_series(SPEC)[2])
    grid = parse({**SEARCH, "lengths": [2, 3]})
    assert series_of(grid, [4, 1, 1]) == (Series(range(1, 2)), Series(range(4, 5)))


def test_what_has_no_length_to_search_is_asked_for_all_at_once() -> None:
    first, _, third, _ = all_series(SPEC)
    assert [len(allocation.repeats) for allocation in opening(SPEC, third)] == [10]
    assert following(SPEC, third, []) == ()
    assert [(at(allocation.position), allocation.repeats) for allocation in opening(SPEC, first)] == [
        (4, range(1)), (9, range(1)), (19, range(1))
    ]  # fmt: skip


def test_repeats_go_on_counting_where_those_before_ended() -> None:
    rows = solved_below(10)
    added = following(SPEC, all_series(SPEC)[0], rows)
    assert any(9 < at(allocation.position) < 19 for allocation in added)
    again = {row.condition for row in rows} & {allocation.position for allocation in added}
    assert all(allocation.repeats.start == 1 for allocation in added if allocation.position in again)
    assert all(allocation.repeats.start == 0 for allocation in added if allocation.position not in again)


def test_rounds_do_not_depend_on_the_order_in_which_runs_ended() -> None:
    rows, series = solved_below(10), all_series(SPEC)[0]
    assert following(SPEC, series, rows) == following(SPEC, series, rows[::-1])


def test_results_show_the_lengths_that_have_runs_and_how_far_the_search_is() -> None:
    rows = solved_below(10)
    found = document(SPEC, [*rows, RunRow(5, 0, "queued", round=2)])
    assert [(each["task"]["kind"], each["length"]) for each in found["conditions"]] == [
        ("latch", 4), ("latch", 7), ("latch", 9), ("latch", 19)
    ]  # fmt: skip
    first, second = found["searches"]
    assert first["model"]["kind"] == "rnn"
    told = {name: first[name] for name in ("rounds", "lengths", "runs", "most_runs", "over")}
    assert told == {"rounds": 2, "lengths": 4, "runs": 4, "most_runs": 60, "over": False}
    assert (second["runs"], second["rounds"]) == (0, 0)
    assert document(SPEC, rows)["searches"][0]["over"]
    (span,) = found["spans"]
    assert 9 <= span["span"] <= 19


def test_the_results_of_a_grid_show_all_its_lengths_and_no_search() -> None:
    found = document(parse({**SEARCH, "lengths": [2, 3]}), [])
    assert len(found["conditions"]) == 6
    assert found["searches"] == []


def test_a_plan_says_that_its_runs_are_a_maximum() -> None:
    found = plan(Placements(SPEC))
    assert (found.at_most, found.runs) == (True, 2 * 60 + 2 * 10)
    assert found.conditions <= 2 * COUNT + 2
    assert found.populations <= found.runs
    assert "at_most" in {warning["code"] for warning in found.warnings}
    assert "search" in found.basis
    dense = plan(Placements(parse({**SEARCH, "lengths": list(SPEC.lengths.search.candidates())})))  # type: ignore[union-attr]
    assert not dense.at_most
    assert found.estimated_seconds < dense.estimated_seconds
