"""Recall: which value was shown behind this key?"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from memspan.baselines.recall import lag_accuracy, window_accuracy
from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real, Whole
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

BLANK = 0
WINDOWS = (8, 16, 32, 64)
"""steps of the published windows"""


class Recall(TaskSpec):
    """Keys and their values are shown once, one after the other; later each key is shown again: answer its value.

    Answers are due where a key is shown again, nowhere else, and the value isn't shown there. Half of the vocabulary
    are keys, the other half values, 0 is the blank. All keys of a sequence differ, and so do its values. A query's lag
    is its step less that of its key, so a window of lag + 1 steps sees both key and value.

    Queries lie in slots of two steps behind the pairs. Slot g is drawn with a chance that goes by g^(power - 1): at
    .01, as published, most queries come soon. They take the slots in the order in which these were drawn, so that the
    first keys are mostly asked first; ``shuffled`` deals the slots out anew. For lags that depend on nothing else take
    power 1 and shuffled.
    """

    title: ClassVar[str] = "Associative recall"
    reference: ClassVar[str] = (
        "Arora et al. (2023), Zoology, arXiv 2312.04927: multi-query associative recall; "
        "github.com/HazyResearch/zoology, multiquery_ar.py"
    )
    tells_lags: ClassVar[bool] = True
    kind: Literal["recall"] = "recall"
    pairs: Annotated[
        Whole, Field(ge=1, le=1_024, description="keys with their values, D; sequences take 4 D steps")
    ] = 4
    vocabulary: Annotated[
        Whole,
        Field(ge=4, le=65_536, description="different tokens: a blank, keys and values; even", validate_default=True),
    ] = 64
    power: Annotated[Real, Field(gt=0, le=1, description="a of the slots' chances, g^(a - 1); 1: all alike")] = 0.01
    shuffled: Annotated[
        bool, Field(strict=True, description="whether which key takes which of the drawn slots is left to chance")
    ] = False
    filler: Annotated[
        Literal["blank", "random"],
        Field(description="what stands between the queries: the blank, or any token, which may look like a query"),
    ] = "blank"

    @field_validator("vocabulary")
    @classmethod
    def _holds_the_pairs(cls, value: int, info: ValidationInfo) -> int:
        pairs = info.data.get("pairs", 1)
        if value % 2:
            message = "Must be even: one half are keys and the blank, one half values; given {given}."
            raise PydanticCustomError("out_of_range", message, {"given": value})
        if value < 2 * (pairs + 1):
            message = "{pairs} pairs with different keys and values take at least {least} tokens; given {given}."
            raise PydanticCustomError("out_of_range", message, {"pairs": pairs, "least": 2 * pairs + 2, "given": value})
        return value

    @property
    def minimum_length(self) -> int:  # type: ignore[override]
        """Two steps for each pair, and two for each query."""
        return 4 * self.pairs

    @property
    def values(self) -> int:
        """Different values."""
        return self.vocabulary // 2

    def signature(self, length: int) -> Signature:
        tokens = self.vocabulary
        return Signature(
            length, 1, tokens, Problem.CLASSIFICATION, every_step=True, vocabulary=tokens, places=self.pairs
        )

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """All pairs, and all steps that a query may stand at."""
        return (*range(2 * self.pairs), *range(2 * self.pairs, 2 * self.pairs + 2 * self._slots(length), 2))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing among the values; one of those shown, without knowing which ("knows the set"); equal probabilities
        of all tokens; and the best that a window can do."""
        known, guessed = 1 / self.pairs, 1 / self.values
        return (
            Baseline("chance", "test_accuracy", guessed),
            Baseline("chance", "test_exact", guessed**self.pairs),
            Baseline("knows_the_set", "test_accuracy", known),
            Baseline("knows_the_set", "test_loss", math.log(self.pairs)),
            Baseline("do_nothing", "test_loss", math.log(self.vocabulary)),
            *(
                Baseline(f"window_{window}", "test_accuracy", self.window_accuracy(length, window))
                for window in WINDOWS
                if window < length
            ),
        )

    def window_accuracy(self, length: int, window: int) -> float:
        """The best accuracy of a window of so many steps (``baselines/recall.py``)."""
        return window_accuracy(length, self.pairs, self.values, self.power, window, self.shuffled)

    def best_by_lag(self, lag: int, window: int) -> float:
        return lag_accuracy(lag, self.pairs, self.values, window)

    def sources(self, batch: Batch) -> Tensor:
        """Key, value and query of each answer."""
        tokens = batch.inputs[..., 0]  # (B, T)
        context = tokens[:, : 2 * self.pairs : 2]  # (B, D)
        place = (tokens.unsqueeze(-1) == context.unsqueeze(1)).to(torch.uint8).argmax(-1)  # (B, T)
        own = torch.arange(tokens.shape[1]).expand_as(place)
        told = torch.stack([2 * place, 2 * place + 1, own], dim=-1)
        return torch.where((batch.targets < 0).unsqueeze(-1), -1, told)

    def token_kinds(self) -> tuple[range, ...]:
        """The blank, keys and values."""
        return range(1), range(1, self.values), range(self.values, self.vocabulary)

    def scratch(self, length: int) -> int:
        """Keys and values are drawn by giving each of them a number."""
        return self.vocabulary + self._slots(length)

    def _slots(self, length: int) -> int:
        return (length - 2 * self.pairs) // 2


@task(Recall)
def sample(spec: Recall, length: int, count: int, rng: Generator) -> Batch:
    """Draw D keys, D values and D slots without replacement, and lay them out: k1 v1 k2 v2 .. and the queries.

    Shapes:
        inputs (B, T, 1), tokens; targets (B, T), the value where a key is asked for, else ignored.

    Source:
        multiquery_ar of github.com/HazyResearch/zoology (d88d6f5); its random fillers come from the global generator.
    """
    pairs, half = spec.pairs, spec.vocabulary // 2
    keys = 1 + chosen(torch.rand(count, half - 1, generator=rng), pairs)  # (B, D)
    values = half + chosen(torch.rand(count, half, generator=rng), pairs)
    slots = _slots(spec, length, count, rng)
    tokens = torch.full((count, length), BLANK)
    if spec.filler == "random":
        tokens = torch.randint(0, spec.vocabulary, (count, length), generator=rng)
    tokens[:, : 2 * pairs : 2] = keys
    tokens[:, 1 : 2 * pairs : 2] = values
    steps = 2 * pairs + 2 * slots
    targets = torch.full((count, length), IGNORED)
    tokens.scatter_(1, steps, keys)
    targets.scatter_(1, steps, values)
    return Batch(tokens.unsqueeze(-1).float(), targets)


def chosen(numbers: Tensor, count: int) -> Tensor:
    """The places of the smallest ones, ascending by number: so many different places in an order of chance."""
    return numbers.topk(count, dim=1, largest=False, sorted=True).indices


def _slots(spec: Recall, length: int, count: int, rng: Generator) -> Tensor:
    """Different slots from 0 for the queries of the keys in their order, (B, D): those that arrive first of a race."""
    slots = torch.arange(1, (length - 2 * spec.pairs) // 2 + 1)
    drawn = chosen(_waits(count, len(slots), rng) * slots ** (1 - spec.power), spec.pairs)
    if not spec.shuffled:
        return drawn
    return drawn.gather(1, torch.rand(count, spec.pairs, generator=rng).argsort(1))


def _waits(count: int, slots: int, rng: Generator) -> Tensor:
    """Exponential times, (B, S)."""
    return -torch.log1p(-torch.rand(count, slots, generator=rng))
