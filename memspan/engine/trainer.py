"""Training of a population, whatever engine does the arithmetic: epochs, best weights, divergence, snapshots."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from memspan.engine.datasets import drawing, final_set, split
from memspan.engine.denormals import denormals_flushed
from memspan.engine.ending import Goal, Pace
from memspan.engine.events import Evaluated, Event, Finished, Outcome, Prepared, Stepped
from memspan.engine.fused.scope import takes
from memspan.engine.mover import slots
from memspan.engine.placement import EngineName, Placement
from memspan.engine.processor import processor_kind
from memspan.engine.scored_set import ScoredSet
from memspan.engine.scores import means, tallied
from memspan.engine.scoring import Scoring
from memspan.engine.seeds import stream
from memspan.engine.snapshot import Position, Snapshot
from memspan.engine.stack import Stack
from memspan.engine.state import Backend, State
from memspan.engine.torch_engine import TorchEngine
from memspan.engine.weight_rows import WeightRows


class Trainer:
    """Trains some repeats of a condition side by side, as they were placed.

    ``events()`` runs to the end; between two events ``snapshots()`` gives the state of every run, from which another
    Trainer goes on to the very same numbers. All snapshots that a Trainer starts from must stand at one position.
    """

    def __init__(
        self,
        placement: Placement,
        repeats: Sequence[int],
        snapshots: Mapping[int, Snapshot] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.condition = condition = placement.condition
        self._device = torch.device(device)
        self._network = placement.network
        self._weight_rows = WeightRows(self._network)
        self.engine = self._serving(placement)
        self.processor = processor_kind(self.engine, self._device)
        # Runs that were stacked for the fused engine have no places in a stack of the other.
        self._stack = Stack(placement.width, tuple(repeats), dense=placement.engine == "fused")
        self._seeds = self._stack.fill({repeat: condition.run_seed(repeat) for repeat in repeats})
        self._positions = {repeat: Position() for repeat in repeats}
        self._step = 0
        self._epoch = 0
        with denormals_flushed():
            self._rows = self._start()  # (M, P)
        self._best = self._rows.clone()
        self._frozen: dict[int, Tensor] = {}
        self._slots = slots(condition.training, self._rows)
        lags = condition.task.tells_lags and condition.is_reported
        self._scoring = Scoring(condition.signature, len(self._rows), self._device, lags)
        if snapshots:
            self._restore(snapshots)
        self._sums = self._restored_sums()
        self._backend = self._chosen_backend()
        self._started = time.perf_counter()

    def _serving(self, placement: Placement) -> EngineName:
        """The engine of the placement; torch where the fused one can't serve here."""
        served = self._device.type == "cpu" and takes(placement.network, placement.condition.signature)
        return "fused" if placement.engine == "fused" and served else "torch"

    def _chosen_backend(self) -> Backend:
        state = State(self._rows, self._slots, self._sums)
        if self.engine == "fused":
            from memspan.engine.fused.backend import Fused  # needs the compiler, which may be missing

            return Fused(self.condition, self._seeds, state)
        return TorchEngine(self.condition, self._seeds, state, self._device)

    def events(self) -> Iterator[Event]:
        """Train to the end: a Stepped after each step or some, an Evaluated after each epoch, one Finished.

        Between large parts of the data that are drawn or scored there is a Prepared.
        """
        self._started = time.perf_counter() - max(position.seconds for position in self._positions.values())
        data = drawing(self.condition)
        while self._draw(data):
            yield Prepared()
        while self._epoch < self.condition.training.most_epochs and not self._all_ended():
            while self._step < self.condition.training.steps_per_epoch:
                yield self._train()
            while self._score(self._rows, split(self.condition).validation):
                yield Prepared()
            yield self._end_epoch()
        last = self._ends()
        scored = self._best if self.condition.checkpoint == "best" else last
        while self._score(scored, final_set(self.condition)):
            yield Prepared()
        yield self._finish(last)

    @property
    def computed(self) -> float:
        """Epochs that were really computed, with the fraction of the current one; ended runs skip the rest."""
        return self._epoch + self._step / self.condition.training.steps_per_epoch

    @property
    def progress(self) -> float:
        """Epochs done, with the fraction of the current one."""
        if self._all_ended():
            return float(self.condition.training.most_epochs)
        return self.computed

    @property
    def seconds(self) -> float:
        """Wall time spent on these runs, earlier slices included; all members share it."""
        return time.perf_counter() - self._started

    @property
    def position(self) -> tuple[int, int]:
        """Epoch and step to do next, from 0."""
        return self._epoch, self._step

    def snapshots(self) -> dict[int, Snapshot]:
        """The state of every run, by repeat."""
        sums = {name: total.tolist() for name, total in self._sums.items()}
        return {repeat: self._snapshot(repeat, place, sums) for repeat, place in self._stack.places.items()}

    def _snapshot(self, repeat: int, place: int, sums: Mapping[str, Sequence[float]]) -> Snapshot:
        position = replace(
            self._positions[repeat],
            epoch=self._epoch,
            step=self._step,
            seconds=self.seconds,
            sums={name: values[place] for name, values in sums.items()},
            scored=self._scoring.scored,
            totals=self._scoring.totals(place) if self._scoring.scored else {},
            processor=self.processor,
        )
        vectors = {"weights": self._last(repeat, place), "best": self._best[place]}
        slots = {f"slot.{name}": slot[place] for name, slot in self._slots.items()}
        return Snapshot(position, {name: vector.clone() for name, vector in (vectors | slots).items()})

    def _start(self) -> Tensor:
        """Every member's first weights, each from its own stream."""
        drawn: dict[int, Tensor] = {}
        for seed in self._seeds:
            if seed not in drawn:
                drawn[seed] = self._weight_rows.row(self._network.initialize(stream(seed, "init")))
        return torch.stack([drawn[seed] for seed in self._seeds]).to(self._device)

    def _restore(self, snapshots: Mapping[int, Snapshot]) -> None:
        """Put every run back to where its snapshot was taken."""
        self._positions = {repeat: snapshots[repeat].position for repeat in self._stack.repeats}
        first = self._positions[self._stack.repeats[0]]
        self._epoch, self._step = first.epoch, first.step
        vectors = self._stack.fill({repeat: snapshots[repeat].vectors for repeat in self._stack.repeats})
        with torch.no_grad():
            self._rows.copy_(torch.stack([v["weights"] for v in vectors]))
            self._best.copy_(torch.stack([v["best"] for v in vectors]))
            for name, slot in self._slots.items():
                slot.copy_(torch.stack([v[f"slot.{name}"] for v in vectors]))
        self._restore_scoring()
        ended = [repeat for repeat, position in self._positions.items() if _ended(position)]
        self._frozen = {repeat: self._rows[self._stack.places[repeat]].clone() for repeat in ended}

    def _restore_scoring(self) -> None:
        """Go on in the middle of a data set, where all runs were scored up to the same place; else at its start."""
        positions = self._stack.fill(self._positions)
        if len({position.scored for position in positions}) == 1:
            self._scoring.restore(positions[0].scored, [position.totals for position in positions])

    def _restored_sums(self) -> dict[str, Tensor]:
        """This epoch's sums so far, by metric, each (M,) in float64."""
        sums = self._stack.fill({repeat: position.sums for repeat, position in self._positions.items()})
        return {
            name: torch.tensor([s.get(name, 0.0) for s in sums], dtype=torch.float64, device=self._device)
            for name in tallied(self.condition.signature)
        }

    @denormals_flushed()
    def _draw(self, data: Iterator[None]) -> bool:
        """Draw some of the data; whether there is more to draw."""
        return next(data, self) is not self

    @denormals_flushed()
    def _score(self, rows: Tensor, data: ScoredSet) -> bool:
        """Score some sequences; whether there are more."""
        return self._scoring.go_on(self._backend, rows, data)

    @denormals_flushed()
    def _train(self) -> Stepped:
        """Some optimiser steps of all members."""
        self._step += self._backend.train(self._epoch, self._step)
        return Stepped()

    @denormals_flushed()
    def _end_epoch(self) -> Evaluated:
        """Take what the validation set scored, keep the best weights, notice divergence."""
        size = self.condition.training.train_size
        train = {f"train_{name}": each for name, each in means(self._sums, size).items()}
        values = train | {f"validation_{name}": each for name, each in self._scoring.done().items()}
        self._epoch, self._step = self._epoch + 1, 0
        for total in self._sums.values():
            total.zero_()
        living = [repeat for repeat in self._stack.repeats if repeat not in self._frozen]
        metrics = {r: {name: each[self._stack.places[r]] for name, each in values.items()} for r in living}
        for repeat, own in metrics.items():
            self._note(repeat, own)
        return Evaluated(self._epoch, metrics)

    def _note(self, repeat: int, metrics: Mapping[str, float]) -> None:
        """Remember a run's epoch: its metrics, its best weights, whether it diverged or has converged."""
        place, position = self._stack.places[repeat], self._positions[repeat]
        position = replace(position, latest=dict(metrics))
        loss = metrics["validation_loss"]
        if loss < position.best_loss:
            position = replace(position, best_loss=loss, best_epoch=self._epoch)
            self._best[place] = self._rows[place]
        if not (math.isfinite(loss) and math.isfinite(metrics["train_loss"])):
            position = replace(position, diverged_at=self._epoch)
            if not position.best_epoch:
                self._best[place] = self._rows[place]
        elif self.condition.goal is not None:
            position = _paced(position, self._epoch, metrics, self.condition.goal)
        if _ended(position):
            self._frozen[repeat] = self._rows[place].clone()
        self._positions[repeat] = position

    def _all_ended(self) -> bool:
        return len(self._frozen) == len(self._stack.repeats)

    def _last(self, repeat: int, place: int) -> Tensor:
        """A run's weights at its end: frozen when it diverged or had converged."""
        return self._frozen.get(repeat, self._rows[place]).detach()

    def _ends(self) -> Tensor:
        """The weights that each member ends with (M, P)."""
        last = self._rows.detach().clone()
        for repeat, row in self._frozen.items():
            last[self._stack.places[repeat]] = row
        return last

    def _finish(self, last: Tensor) -> Finished:
        """Take what the reported checkpoint scored at the end, and hand out the weights."""
        by_lag = {repeat: self._scoring.by_lag(place) for repeat, place in self._stack.places.items()}
        scores, name_of = self._scoring.done(), "test" if self.condition.is_reported else "validation"
        outcomes = {
            repeat: replace(
                self._outcome(repeat, last[place], {f"{name_of}_{name}": each[place] for name, each in scores.items()}),
                by_lag=by_lag[repeat],
            )
            for repeat, place in self._stack.places.items()
        }
        return Finished(outcomes, self.seconds)

    def _outcome(self, repeat: int, last: Tensor, scores: Mapping[str, float]) -> Outcome:
        position = self._positions[repeat]
        best = self._best[self._stack.places[repeat]]
        last_epoch = position.diverged_at or position.ended_at or self._epoch
        steps = {"steps": float(last_epoch * self.condition.training.steps_per_epoch)} if self.condition.goal else {}
        return Outcome(
            metrics={**position.latest, **scores, **steps},
            last=self._copies(last),
            best=self._copies(best),
            best_epoch=position.best_epoch or last_epoch,
            last_epoch=last_epoch,
            diverged_at=position.diverged_at,
            processor=self.processor,
            ended_at=position.ended_at,
        )

    def _copies(self, row: Tensor) -> dict[str, Tensor]:
        return {name: part.clone().cpu() for name, part in self._weight_rows.named(row).items()}


def _ended(position: Position) -> bool:
    """Whether a run is over before all of its epochs."""
    return position.diverged_at is not None or position.ended_at is not None


def _paced(position: Position, epoch: int, metrics: Mapping[str, float], goal: Goal) -> Position:
    """Where a run stands after one more epoch on its way to a goal."""
    pace = Pace(position.met, position.lowest, position.reached).after(epoch, metrics, goal)
    ended = epoch if pace.ends(epoch, goal) else None
    return replace(position, met=pace.met, lowest=pace.lowest, reached=pace.reached, ended_at=ended)
