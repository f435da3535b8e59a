"""Areas under the ROC curve, and what they are measured against."""

from __future__ import annotations

import pytest
import torch

from memspan.attribution.answer_probe import AnswerProbe
from memspan.attribution.relevance import relevant, roc_area
from memspan.engine.seeds import stream
from memspan.interfaces.network import Network
from memspan.interfaces.probe import Effort
from memspan.interfaces.task import TaskSpec
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.copy import Copy
from memspan.tasks.digits import Digits
from memspan.tasks.first_last import FirstLast


class Asking(AnswerProbe):
    """A question without a probe."""

    kind: str = "asking"

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=self.sequences)


def by_pairs(sizes: torch.Tensor, mask: torch.Tensor) -> float:
    pairs = [float(a > b) + float(a == b) / 2 for a in sizes[mask] for b in sizes[~mask]]
    return sum(pairs) / len(pairs)


def test_the_area_is_the_share_of_pairs_in_which_the_relevant_step_wins() -> None:
    rng = stream(1)
    mask = torch.rand(12, generator=rng) < 0.4
    sizes = torch.randint(0, 6, (3, 20, 12), generator=rng).float()  # many ties
    found = roc_area(sizes, mask)
    assert found.shape == (3, 20)
    for member in range(3):
        for sequence in range(20):
            assert float(found[member, sequence]) == pytest.approx(by_pairs(sizes[member, sequence], mask))


def test_equal_sizes_tell_nothing_apart() -> None:
    assert float(roc_area(torch.zeros(5), torch.tensor([True, False, False, True, False]))) == 0.5


def test_a_size_that_is_not_a_number_has_no_area() -> None:
    sizes = torch.tensor([[1.0, 2.0, 3.0], [1.0, torch.nan, 3.0]])
    found = roc_area(sizes, torch.tensor([False, False, True]))
    assert found[0] == 1
    assert found[1].isnan()


@pytest.mark.parametrize(
    ("task", "step", "expected"),
    [
        (FirstLast(), None, [0, 7]),
        (Copy(), None, list(range(10))),
        (Copy(), -1, list(range(10))),
        (Copy(), 5, None),  # the published steps are those of the last answer
        (BinaryAddition(), None, list(range(8))),
        (Digits(), None, None),  # all steps are relevant
    ],
)
def test_the_reference_is_the_steps_of_the_last_answer(
    task: TaskSpec, step: int | None, expected: list[int] | None
) -> None:
    mask = relevant(task, 8, Asking(step=step).select(task, 8))
    assert (None if mask is None else mask.nonzero().flatten().tolist()) == expected
