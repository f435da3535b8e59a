"""How much history a series needs: the answer with its findings, columns, cautions and recipe."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from memspan.interfaces.json_numbers import jsonable
from memspan.needed_history import words
from memspan.needed_history.columns import Blinded, ColumnNeed
from memspan.needed_history.finding import Finding
from memspan.needed_history.series import Series


@dataclass(frozen=True)
class Used:
    """How far back trained models look, by the probe ``context``: not what the data need.

    Attributes:
        model: its kind.
        length: the context that it was trained with.
        steps, low, high: its effective context with its interval; None where it is not defined.
    """

    model: str
    length: int
    steps: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Answer:
    """What was found about a series.

    Attributes:
        series: that was asked about.
        finding: what stands in the headline.
        learners: the finding of each learner.
        tried: the longest contexts that were tried one after the other.
        columns: how far back each column matters, where there are several.
        blinded: what hiding one lag of one column costs a model of the needed context; None without any need.
        used: how far back each trained network looks.
    """

    series: Series
    finding: Finding
    learners: tuple[Finding, ...]
    tried: tuple[int, ...]
    columns: tuple[ColumnNeed, ...]
    blinded: Blinded | None
    used: tuple[Used, ...] = ()

    @property
    def steps(self) -> int:
        """The needed history."""
        return self.finding.need.steps

    @property
    def low(self) -> int:
        """Lower end of its 95 % interval."""
        return self.finding.need.low

    @property
    def high(self) -> int:
        """Upper end of its 95 % interval."""
        return self.finding.need.high

    @property
    def state(self) -> str:
        """found, none, beyond or fades."""
        return self.finding.state

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        return words.sentence(self.finding.document(), self.target, self.series.step)

    @property
    def target(self) -> str:
        """The name of what is foretold."""
        return self.series.target

    def markdown(self) -> str:
        """A page of all that was found."""
        from memspan.needed_history.markdown import markdown

        return markdown(self.document())

    def figure(self) -> Any:
        """The loss by context with its band, and what each step adds; a notebook shows it."""
        from memspan.figures.history import history
        from memspan.figures.theme import config

        return history(self.document()).configure(**config("light"))

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def __str__(self) -> str:
        return self.sentence

    def document(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        series, step = self.series, self.series.step
        headline = self.finding.document()
        return {
            "target": self.target,
            "inputs": list(series.names),
            "rows": len(series),
            "horizon": series.horizon,
            "step": step,
            "season": series.season,
            "sentence": words.sentence(headline, self.target, step),
            "beside": words.other_reference(headline, step),
            "meaning": words.meaning(headline, len(series)),
            "cautions": words.cautions(headline, len(series)),
            "recipe": self._recipe(headline),
            **headline,
            "tried": list(self.tried),
            "learners": [
                each.document() | {"sentence": words.sentence(each.document(), self.target, step)}
                for each in self.learners
            ],
            "columns": [_column(each) for each in self.columns],
            "blinded": self._blinded(),
            "used": [jsonable(asdict(each)) for each in self.used],
        }

    def _recipe(self, headline: dict[str, Any]) -> dict[str, Any]:
        """Context, model and the error to expect."""
        at = min(self.learners, key=lambda each: each.loss(self.steps))
        model = at.model if self.state != "none" else {"kind": "constant"}
        return {
            "context": self.steps,
            "model": model,
            "horizon": self.series.horizon,
            "expected_mase": headline["mase"],
        }

    def _blinded(self) -> list[dict[str, Any]]:
        """One row for each column and lag; lag 0 is the last known step."""
        if self.blinded is None:
            return []
        return [
            {
                "column": name,
                "lag": lag,
                "lost": float(self.blinded.lost[lag, column]),
                "low": float(self.blinded.low[lag, column]),
                "high": float(self.blinded.high[lag, column]),
            }
            for column, name in enumerate(self.series.names)
            for lag in range(len(self.blinded.lost))
        ]


def _column(each: ColumnNeed) -> dict[str, Any]:
    need = each.need
    return {
        "name": each.name,
        "steps": need.steps,
        "low": need.low,
        "high": need.high,
        "found": need.found,
        "p": need.p,
        "share": each.share,
    }
