"""The benchmark of first plus last: a goal that was missed stands beside the one that was reached."""

from __future__ import annotations

from typing import Any

from benchmarks.first_last import OPTIMIZERS, shortened, within_steps
from memspan.studies import experiments
from memspan.studies.first_last import FirstLastStudy


def found(median: float) -> dict[str, Any]:
    """Results of the dilated network, so far as the table shows them."""
    loss = {"median": median, "mean": median, "low": median, "high": median, "n": 10}
    return {"conditions": [{"receptive_field": 249, "metrics": {"test_loss": loss}}]}


def test_both_optimisers_have_a_row_that_says_whether_the_goal_was_reached() -> None:
    rows = within_steps({"RMSprop": found(0.011), "Adam": found(0.0015)})
    goals = {row.what: row.goal for row in rows if row.goal}
    assert [name for name in OPTIMIZERS for what in goals if f"steps of {name}:" in what] == ["RMSprop", "Adam"]
    assert list(goals.values()) == ["<= 0.01: missed by 10 %", "<= 0.01: reached"]


def test_the_optimisers_differ_in_nothing_else() -> None:
    full = experiments(FirstLastStudy(scale="full"))["dilated"]
    first, second = (shortened(full, each).model_dump(mode="json") for each in OPTIMIZERS.values())
    assert first.pop("training") | {"optimizer": None} == second.pop("training") | {"optimizer": None}
    assert first == second
