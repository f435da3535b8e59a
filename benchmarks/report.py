"""What a benchmark found, as a table."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import torch


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its goal."""

    what: str
    measured: str
    goal: str = ""


def table(title: str, figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    rows = [f"| {each.what} | {each.measured} | {each.goal} |" for each in figures]
    return "\n".join([f"### {title}", "", "| what | measured | goal |", "|---|---|---|", *rows, ""])


def machine() -> str:
    """The machine in words."""
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}"


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of the values do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, ceil(share * len(ranked)) - 1)]
