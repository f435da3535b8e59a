"""What one learner, or all of them together, needs: the answer with all the numbers that stand behind it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from memspan.needed_history.judgement import Judgement
from memspan.needed_history.rule import LOST, Need
from memspan.statistics.bootstrap import LEVEL, ends

State: TypeAlias = Literal["found", "none", "beyond", "fades"]
RULE = f"the first context that keeps {1 - LOST:.0%} of the skill"


@dataclass(frozen=True)
class Finding:
    """A judgement in the words of the answer.

    Attributes:
        judged: of the learner's losses.
        model: as results name models: ``{"kind": "ridge"}``.
    """

    judged: Judgement
    model: dict[str, Any]

    @property
    def longest(self) -> int:
        """The longest context that was tried."""
        return int(self.judged.contexts[-1])

    @property
    def last_value_is_all(self) -> bool:
        """Whether the last value tells nearly everything, and nothing is found to tell more."""
        headline = self.judged.headline
        return headline.reference == "persistence" and not headline.found and self.judged.constant_need.found

    @cached_property
    def need(self) -> Need:
        """Against the headline's reference; where the last value is all, how sure that one step is needed."""
        return self.judged.constant_need if self.last_value_is_all else self.judged.headline

    @property
    def state(self) -> State:
        """In which of four words the answer falls."""
        if not self.need.found:
            return "none"
        if self.judged.censored:
            return "beyond"
        return "fades" if not self.last_value_is_all and self.judged.fading else "found"

    def at(self, steps: int) -> int:
        """The place of the context of ``steps``, or of the next longer one that was tried."""
        return int(self.judged.contexts.searchsorted(steps))

    def loss(self, steps: int) -> float:
        """Mean squared error with the context of so many steps, as a share of persistence's on the same points."""
        return float(self.judged.means[self.at(steps)]) / (self.judged.persistence or 1.0)

    @property
    def mase(self) -> float | None:
        """Mean absolute error with the needed history, in that of persistence on the training part."""
        unit = self.judged.losses.training_error
        return float(self.judged.losses.absolute[self.at(self.need.steps)]) / unit if unit else None

    def document(self) -> dict[str, Any]:
        """Plain values under the names of the API."""
        judged = self.judged
        return {
            "model": self.model,
            "state": self.state,
            "steps": self.need.steps,
            "low": self.need.low,
            "high": self.need.high,
            "level": LEVEL,
            "rule": RULE,
            "censored": "above" if self.state == "beyond" else None,
            "longest": self.longest,
            "reference": judged.headline.reference,
            "last_value_is_all": self.last_value_is_all,
            "references": {need.reference: _need(need) for need in (judged.constant_need, judged.persistence_need)},
            "fades": {str(share): steps for share, steps in judged.fades.items()},
            "trained_on": judged.losses.trained_on,
            "scored_on": len(judged.losses.squared),
            "block": judged.block,
            "mase": self.mase,
            "persistence": {"loss": judged.persistence, **_band(judged)},
            "by_context": self._by_context(),
        }

    def _by_context(self) -> list[dict[str, Any]]:
        judged, low_high = self.judged, self.judged.bands()
        added, added_low, added_high = judged.added()
        unit = judged.losses.training_error
        rows: list[dict[str, Any]] = []
        for place, context in enumerate(judged.contexts):
            loss = float(judged.means[place])
            rows.append(
                {
                    "context": int(context),
                    "loss": loss,
                    "low": float(low_high[0][place]),
                    "high": float(low_high[1][place]),
                    "skill": 1 - loss / judged.persistence if judged.persistence else None,
                    "mase": float(judged.losses.absolute[place]) / unit if unit else None,
                    "adds": float(added[place - 1]) if place else None,
                    "adds_low": float(added_low[place - 1]) if place else None,
                    "adds_high": float(added_high[place - 1]) if place else None,
                }
            )
        return rows


def _need(need: Need) -> dict[str, Any]:
    return {"steps": need.steps, "low": need.low, "high": need.high, "found": need.found, "p": need.p}


def _band(judged: Judgement) -> dict[str, float]:
    low, high = ends(judged.drawn_persistence)
    return {"low": float(low), "high": float(high)}
