"""What the losses of a learner say: the need against each reference, how it fades, and whether K was long enough."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from memspan.needed_history.losses import Losses
from memspan.needed_history.rule import Need, first_keeping, needed
from memspan.statistics.blocks import block_length, redrawn_means, redrawn_places
from memspan.statistics.bootstrap import Ends, Floats, ends

PERSISTENT = 0.05
"""share of the constant's loss below which the last value is what has to be beaten"""
SHARES = (50, 90, 95, 99)
"""percent of the skill"""
CENSORED_Z = 1.64
CENSORED_SHARE = 0.05
"""of the skill: what contexts beyond half of the longest gain at least where still longer ones are to be tried"""
SLOWER = 2
"""times as many steps for 99 % of the skill as for 90 % tell of a memory that fades"""
FADING_STEPS = 3
"""and so many more"""


@dataclass(frozen=True)
class Judgement:
    """The rule applied to the losses of one learner.

    Attributes:
        losses: of T points by X contexts.
        horizon: steps ahead; targets that overlap are drawn together.
    """

    losses: Losses
    horizon: int

    @property
    def contexts(self) -> NDArray[np.int64]:
        return self.losses.contexts

    @property
    def block(self) -> int:
        """Test points that are drawn together."""
        return block_length(len(self.losses.squared), self.horizon)

    @cached_property
    def means(self) -> Floats:
        """(X,) mean squared error by context."""
        found: Floats = self.losses.squared.mean(axis=0)
        return found

    @cached_property
    def persistence(self) -> float:
        """Mean squared error of the last value."""
        return float(self.losses.persistence.mean())

    @cached_property
    def _all_drawn(self) -> Floats:
        """(R, X + 1): repeats of the learner are drawn with replacement, blocks of points by all of them together."""
        repeats = self.losses.squared[None] if self.losses.repeats is None else self.losses.repeats
        columns = np.concatenate([*repeats, self.losses.persistence[:, None]], axis=1)
        drawn = redrawn_means(columns, self.block)
        by_repeat = drawn[:, :-1].reshape(len(drawn), len(repeats), -1)
        chosen = redrawn_places(len(repeats), len(drawn))
        means = np.take_along_axis(by_repeat, chosen[..., None], axis=1).mean(axis=1)
        return np.column_stack([means, drawn[:, -1]])

    @property
    def drawn(self) -> Floats:
        """(R, X) the means of each resample of blocks."""
        return self._all_drawn[:, :-1]

    @property
    def drawn_persistence(self) -> Floats:
        """(R,) what the last value loses in each resample."""
        return self._all_drawn[:, -1]

    @cached_property
    def constant_need(self) -> Need:
        """Against the training mean."""
        return needed("constant", self.contexts, self.means, float(self.means[0]), self.drawn, self.drawn[:, 0])

    @cached_property
    def persistence_need(self) -> Need:
        """Against the last value; calibrated for sharp memory, not for one that falls as a power law."""
        drawn = self.drawn_persistence
        return needed("persistence", self.contexts, self.means, self.persistence, self.drawn, drawn)

    @property
    def headline(self) -> Need:
        """Persistence where the last value tells nearly all on the training part, else the constant."""
        return self.persistence_need if self.losses.training_ratio < PERSISTENT else self.constant_need

    @property
    def reference(self) -> float:
        """What the headline's reference loses."""
        return self.persistence if self.headline.reference == "persistence" else float(self.means[0])

    @property
    def skill(self) -> float:
        """What the best context gains over the headline's reference, in squared units of the target."""
        return max(0.0, self.reference - float(self.means.min()))

    @cached_property
    def fades(self) -> dict[int, int]:
        """Steps that keep each percent of the skill; {} where nothing is found. 99 % comes without an interval."""
        if not self.headline.found:
            return {}
        places = {share: first_keeping(self.means, np.asarray(self.reference), 1 - share / 100, 0) for share in SHARES}
        return {share: int(self.contexts[place]) for share, place in places.items()}

    @property
    def fading(self) -> bool:
        """Whether the last percents need many more steps than the first: no sharp end, as of a power law."""
        steps = self.fades
        return bool(steps) and steps[99] >= max(SLOWER * steps[90], steps[90] + FADING_STEPS)

    @cached_property
    def censored(self) -> bool:
        """Whether longer contexts than the longest are to be tried before the answer is believed."""
        need, longest = self.headline, int(self.contexts[-1])
        return need.found and (need.high >= longest or self._still_gains(longest))

    def _still_gains(self, longest: int) -> bool:
        """Whether the best of the longer half beats the best of the shorter."""
        shorter = self.contexts <= longest / 2
        if shorter.all():
            return False
        gain = self.means[shorter].min() - self.means[~shorter].min()
        drawn = self.drawn[:, shorter].min(axis=1) - self.drawn[:, ~shorter].min(axis=1)
        return bool(gain > CENSORED_SHARE * self.skill and gain > CENSORED_Z * drawn.std())

    def bands(self) -> Ends:
        """Of the loss at each context, (X,) each."""
        return ends(self.drawn.T)

    def added(self) -> tuple[Floats, Floats, Floats]:
        """What each context gains over the next shorter one, as a share of the skill, with its interval: (X - 1,)."""
        unit = self.skill or 1.0
        low, high = ends(-np.diff(self.drawn, axis=1).T / unit)
        return -np.diff(self.means) / unit, low, high
