"""Binary addition: add two numbers bit by bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.baselines import window
from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

WINDOWS = range(9)
"""numbers of previous pairs that the published windows see"""


class BinaryAddition(TaskSpec):
    """Two numbers come in bit by bit, the least significant first; answer each bit of their sum as its pair arrives.

    The length is the number of bits of the operands. One more step, with a pair of zeros, asks for the final carry, so
    that a sequence has length + 1 steps. All that must be remembered is one bit, the carry. With ``sum_and_carry`` a
    class names the digit and the carry that is handed on, 2 x carry + digit: a model whose own carry is fed back to it
    is taught so.
    """

    title: ClassVar[str] = "Binary addition"
    reference: ClassVar[str] = (
        "iamtrask (2015), Anyone Can Learn To Code an LSTM-RNN in Python, iamtrask.github.io; "
        "Roelants, How to implement a recurrent neural network, part 2, peterroelants.github.io"
    )
    minimum_length: ClassVar[int] = 1
    hidden: ClassVar[tuple[str, ...]] = ("carry",)
    kind: Literal["binary_addition"] = "binary_addition"
    answer: Annotated[
        Literal["sum", "sum_and_carry"], Field(description="the digit of each step, or the digit and the carry")
    ] = "sum"

    def signature(self, length: int) -> Signature:
        states = 1 if self.answer == "sum" else 2
        return Signature(
            length + 1, 2, 2 * states, Problem.CLASSIFICATION, every_step=True, answer_from=0, own_states=states
        )

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """All pairs of bits; the padded last step says nothing."""
        return tuple(range(length))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing among the classes, equal probabilities, and the best that a window over the k previous pairs and the
        current one can do, k = 0..8. Who knows the carry knows both answers, so the windows are the same for both."""
        classes = self.signature(length).outputs
        return (
            Baseline("chance", "test_accuracy", 1 / classes),
            Baseline("chance", "test_exact", float(classes) ** -(length + 1)),
            Baseline("do_nothing", "test_loss", math.log(classes)),
            *_windows(length),
        )

    def hidden_variables(self, batch: Batch) -> dict[str, Tensor]:
        """The carry after each step, 0 or 1."""
        return {"carry": _carries(batch.inputs.long()).float()}


@task(BinaryAddition)
def sample(spec: BinaryAddition, length: int, count: int, rng: Generator) -> Batch:
    """Draw the bits of two operands, each 0 or 1 with equal chance, and the digits of their sum.

    s_t = a_t xor b_t xor c_t, c_{t+1} = majority(a_t, b_t, c_t), c_0 = 0: the operands are never made into integers, so
    that they may have any number of bits.

    Shapes:
        inputs (B, T + 1, 2) of 0 and 1, targets (B, T + 1).

    Source:
        the full adder; the pad for the final carry as in peterroelants.github.io, rnn_implementation part 2.
    """
    pairs = torch.zeros(count, length + 1, 2, dtype=torch.long)
    pairs[:, :length] = torch.randint(0, 2, (count, length, 2), generator=rng)
    handed_on = _carries(pairs)  # (B, T + 1), c_1 ... c_{T+1}
    digits = pairs.sum(-1) + handed_on.roll(1, 1) - 2 * handed_on  # the last c is 0, and so is c_0
    return Batch(pairs.float(), digits + 2 * handed_on if spec.answer == "sum_and_carry" else digits)


def _carries(pairs: Tensor) -> Tensor:
    """The carry that each step hands on, (B, T, 2) -> (B, T)."""
    carry = torch.zeros_like(pairs[:, 0, 0])

    def each() -> Iterator[Tensor]:
        nonlocal carry
        for total in pairs.sum(-1).unbind(1):
            carry = (total + carry) // 2
            yield carry

    return torch.stack([*each()], dim=1)


@lru_cache(maxsize=1024)
def _windows(length: int) -> tuple[Baseline, ...]:
    return tuple(
        baseline
        for before in WINDOWS
        for baseline in (
            Baseline(f"window_{before}", "test_accuracy", window.bit_accuracy(length, before)),
            Baseline(f"window_{before}", "test_exact", window.exact_match(length, before)),
        )
    )
