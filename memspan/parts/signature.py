"""What a task asks of a model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Problem(StrEnum):
    """How an answer is scored."""

    CLASSIFICATION = "classification"
    """cross-entropy of K classes, natural logarithm"""
    REGRESSION = "regression"
    """mean squared error over K outputs"""


@dataclass(frozen=True)
class Signature:
    """Shape of a task at one length: T steps of C channels in, K outputs at the last step."""

    length: int
    channels: int
    outputs: int
    problem: Problem
