"""Fuzzy recall: keys and values of several tokens."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from memspan.datasets.showings import last_showing
from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

PAD = 0


class FuzzyRecall(TaskSpec):
    """Keys of several tokens and values of one or more follow each other: answer the value of every key that was shown
    before, token by token.

    The first token of a value is due at the last token of its key, each other one at the token before it, where the
    value is shown. Within a key and a value no token is repeated, and their order counts. Pads stand at the left, as
    many as are left over. The last key was always shown before; others rarely are, there being hundreds of keys.

    All keys have ``key_size`` tokens: where that differs, nobody can tell at a token whether its key ends there. (MAD
    trains on keys of one to three tokens and tests on three, and its training counts every next token.)
    """

    title: ClassVar[str] = "Fuzzy in-context recall"
    reference: ClassVar[str] = "Poli et al. (2024), MAD, arXiv 2403.17844; github.com/athms/mad-lab: 128 steps"
    tells_lags: ClassVar[bool] = True
    kind: Literal["fuzzy_recall"] = "fuzzy_recall"
    key_size: Annotated[Whole, Field(ge=1, le=8, description="tokens of a key")] = 3
    value_size: Annotated[Whole, Field(ge=1, le=8, description="most tokens of a value")] = 3
    vocabulary: Annotated[
        Whole,
        Field(ge=4, le=65_536, description="tokens: the pad, keys' and values'", validate_default=True),
    ] = 16

    @field_validator("vocabulary")
    @classmethod
    def _holds_keys_and_values(cls, value: int, info: ValidationInfo) -> int:
        least = max(info.data.get("key_size", 1), info.data.get("value_size", 1))
        if (value - 1) // 2 < least:
            message = "Keys and values without a repeated token take at least {least} tokens; given {given}."
            raise PydanticCustomError("out_of_range", message, {"least": 2 * least + 1, "given": value})
        return value

    @property
    def minimum_length(self) -> int:  # type: ignore[override]
        """Two pairs of the longest kind."""
        return 2 * (self.key_size + self.value_size)

    @property
    def key_tokens(self) -> int:
        """Different tokens of keys: 1 .. this; those of values come behind them."""
        return (self.vocabulary - 1) // 2

    @property
    def value_tokens(self) -> int:
        """Different tokens of values."""
        return self.vocabulary - 1 - self.key_tokens

    def most_pairs(self, length: int) -> int:
        """Pairs of a sequence, at most."""
        return length // (self.key_size + 1)

    def signature(self, length: int) -> Signature:
        tokens = self.vocabulary
        places = (self.most_pairs(length) - 1) * self.value_size
        return Signature(
            length, 1, tokens, Problem.CLASSIFICATION, every_step=True, vocabulary=tokens, places=min(places, length)
        )

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """All pairs, wherever they lie."""
        return tuple(range(length))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing among the values' tokens, and equal probabilities."""
        return (
            Baseline("chance", "test_accuracy", 1 / self.value_tokens),
            Baseline("do_nothing", "test_loss", math.log(self.vocabulary)),
        )

    def sources(self, batch: Batch) -> Tensor:
        """Where the same answer was due last, the step behind that, which showed it, and the key's own tokens."""
        tokens = batch.inputs[..., 0].long()
        steps = torch.arange(tokens.shape[1])
        starts = self._starts(tokens)  # (B, T)
        last = last_showing(self._names(tokens), starts)  # of starts
        own = torch.where(starts, steps, -1).cummax(1).values  # each step's own pair
        before = last.gather(1, own.clamp_min(0))
        offset = steps - own
        key = [own + place for place in range(self.key_size)]
        told = torch.stack([before + offset, before + offset + 1, *key], dim=-1)
        return torch.where((batch.targets < 0).unsqueeze(-1), -1, told)

    def _starts(self, tokens: Tensor) -> Tensor:
        """Whether a key begins at each step: a key's token behind none."""
        key = (tokens >= 1) & (tokens <= self.key_tokens)
        before = torch.cat([torch.zeros_like(key[:, :1]), key[:, :-1]], dim=1)
        return key & ~before

    def _names(self, tokens: Tensor) -> Tensor:
        """A number for the tokens of a key's size from each step on."""
        longer = torch.cat([tokens, torch.zeros_like(tokens[:, : self.key_size])], dim=1)
        named = torch.zeros_like(tokens)
        for place in range(self.key_size):
            named = named * (self.key_tokens + 1) + longer[:, place : place + tokens.shape[1]].clamp_max(
                self.key_tokens
            )
        return named

    def token_kinds(self) -> tuple[range, ...]:
        """The pad, and the tokens of keys and of values."""
        return range(1), range(1, self.key_tokens + 1), range(self.key_tokens + 1, self.vocabulary)

    def scratch(self, length: int) -> int:
        """Each pair is held against each earlier one, and tokens are drawn by giving each a number."""
        pairs = self.most_pairs(length)
        return pairs * (pairs + self.vocabulary + self.key_size + 2 * self.value_size)


@task(FuzzyRecall)
def sample(spec: FuzzyRecall, length: int, count: int, rng: Generator) -> Batch:
    """Draw more pairs than fit, give equal keys equal values, and lay them out from the end.

    The last key is that of one of the earlier pairs that are sure to fit, all equally likely.

    Shapes:
        inputs (B, T, 1), tokens; targets (B, T), tokens of values of keys that were shown before, else ignored.

    Source:
        after generate_fuzzy_in_context_recall_instance of github.com/athms/mad-lab.
    """
    pairs, size, most = spec.most_pairs(length), spec.key_size, spec.value_size
    keys = 1 + _different(torch.rand(count, pairs, spec.key_tokens, generator=rng), size)  # (B, P, k)
    values = 1 + spec.key_tokens + _different(torch.rand(count, pairs, spec.value_tokens, generator=rng), most)
    sizes = torch.randint(1, most + 1, (count, pairs), generator=rng)
    sure = length // (size + most) - 1
    chosen = pairs - 2 - torch.randint(0, sure, (count, 1), generator=rng)
    keys[:, -1] = keys.gather(1, chosen.unsqueeze(-1).expand(-1, 1, size)).squeeze(1)
    values, sizes = _shared(keys, values, sizes)
    ends = length - (size + sizes).flip(1).cumsum(1).flip(1) + size + sizes  # step behind each pair, (B, P)
    return _laid_out(spec, length, keys, values, sizes, ends)


def _different(numbers: Tensor, count: int) -> Tensor:
    """So many different places of the last axis, in an order of chance."""
    return numbers.topk(count, dim=-1, sorted=True).indices


def _shared(keys: Tensor, values: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """Values and their sizes, each those of the first pair with the same key."""
    same = (keys.unsqueeze(2) == keys.unsqueeze(1)).all(-1)  # (B, P, P)
    first = same.to(torch.uint8).argmax(-1)  # (B, P)
    return values.gather(1, first.unsqueeze(-1).expand_as(values)), sizes.gather(1, first)


def _laid_out(spec: FuzzyRecall, length: int, keys: Tensor, values: Tensor, sizes: Tensor, ends: Tensor) -> Batch:
    """Tokens and targets of pairs that end before the steps ``ends``; those that would begin before the first step are
    left out."""
    count, size = len(keys), spec.key_size
    starts = ends - sizes - size
    fits = starts >= 0
    names = sum(keys[..., place] * (spec.key_tokens + 1) ** place for place in range(size))
    told = last_showing(torch.as_tensor(names), fits) >= 0
    tokens, targets = torch.full((count, length + 1), PAD), torch.full((count, length + 1), IGNORED)  # one to drop into
    for place in range(size):
        tokens.scatter_(1, torch.where(fits, starts + place, length), keys[..., place])
    for place in range(spec.value_size):
        there = fits & (sizes > place)
        steps = starts + size + place
        tokens.scatter_(1, torch.where(there, steps, length), values[..., place])
        targets.scatter_(1, torch.where(there & told, steps - 1, length), values[..., place])
    return Batch(tokens[:, :length].unsqueeze(-1).float(), targets[:, :length])
