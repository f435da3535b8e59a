"""What every probe of inner states is told, and which models it can't be asked of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from memspan.attribution.blocks import too_large
from memspan.dynamics.block_system import OUTPUT
from memspan.interfaces.blocks import Blocks
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.recurrence import Layer, Recurrence
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec

READ_UNITS = 1_024
"""that a linear read-out is fitted to: more would take a worker's memory, and more samples than are drawn. States of
more numbers are mixed into as many (``memspan/dynamics/mixing.py``)."""
MOST_UNITS = 65_536
"""numbers of states that are walked through"""

SequenceCount = Annotated[Whole, Field(ge=2, le=10_000, description="fresh sequences to ask about")]
LayerIndex = Annotated[
    Whole,
    Field(ge=-16, le=15, description="layer of a stack, 0 next to the input; negative ones count from the top"),
]


class RecurrentProbe(ProbeSpec):
    """A probe of the states of recurrent layers."""

    sequences: SequenceCount = 64

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        """Too many sequences, no recurrent layers, or whatever else keeps the probe from these layers."""
        if task.signature(length).at_end:
            return (
                f"The probe {self.kind} looks at what carries a state, and answers to {task.kind} come from a decoder "
                "behind it. Ask occlusion, context or integrated_gradients."
            )
        large = too_large(task, length, self.sequences)
        if large or network is None:
            return large
        if network.recurrence is not None:
            return self.objection_to_layers(task, network.recurrence)
        if network.blocks is not None:
            return self.objection_to_blocks(task, network.blocks)
        return f"The probe {self.kind} looks at recurrent layers, and this model has none for {task.kind}."

    def objection_to_layers(self, task: TaskSpec, recurrence: Recurrence) -> str | None:
        """Why the probe can't be asked of some recurrent layers."""
        return None

    def objection_to_blocks(self, task: TaskSpec, blocks: Blocks) -> str | None:
        """Why the probe can't be asked of some residual blocks."""
        if any(mixer.grows for mixer in blocks.mixers):
            return (
                f"The probe {self.kind} looks at states of a fixed size, and this model for {task.kind} keeps every "
                "step that it saw. Ask occlusion or input_gradient, and of attention attention_by_lag."
            )
        return None


class LayerProbe(RecurrentProbe):
    """A probe of one layer; of a level that runs both ways it is the layer that goes forward."""

    layer: LayerIndex = -1

    def objection_to_layers(self, task: TaskSpec, recurrence: Recurrence) -> str | None:
        count = len(recurrence.levels)
        if not -count <= self.layer < count:
            return (
                f"The probe {self.kind} finds {count} recurrent layers in this model for {task.kind}: layer must lie "
                f"between {-count} and {count - 1}, given {self.layer}."
            )
        return None

    def objection_to_blocks(self, task: TaskSpec, blocks: Blocks) -> str | None:
        count = len(blocks.mixers)
        if not -count <= self.layer < count:
            return (
                f"The probe {self.kind} finds {count} blocks in this model for {task.kind}: layer must lie between "
                f"{-count} and {count - 1}, given {self.layer}."
            )
        return super().objection_to_blocks(task, blocks)

    def chosen(self, recurrence: Recurrence) -> Layer:
        """The layer that is looked at."""
        return recurrence.levels[self.layer][0]


StateName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z_]{0,15}$",
        description="which state: h, the output; c, the cell state of an LSTM; age, of a power-law LSTM; of residual "
        "blocks also s, c, n, m, y or past, as docs/models.md names them",
    ),
]


class StateProbe(LayerProbe):
    """A probe of one state of one layer."""

    state: StateName = "h"

    def objection_to_layers(self, task: TaskSpec, recurrence: Recurrence) -> str | None:
        misplaced = super().objection_to_layers(task, recurrence)
        if misplaced or self.state in (names := self.chosen(recurrence).cell.states):
            return misplaced
        known = " and ".join(names)
        return f"The probe {self.kind} finds {known} in this model for {task.kind}, but no state {self.state}."

    def objection_to_blocks(self, task: TaskSpec, blocks: Blocks) -> str | None:
        misplaced = super().objection_to_blocks(task, blocks)
        if misplaced or self.state in (names := (OUTPUT, *blocks.mixers[self.layer].state_sizes(1))):
            return misplaced
        known = " and ".join(names)
        return f"The probe {self.kind} finds {known} in this model for {task.kind}, but no state {self.state}."

    def place(self, recurrence: Recurrence) -> tuple[int, int]:
        """Level of the layer, and which of its cell's states."""
        return self.layer, self.chosen(recurrence).cell.states.index(self.state)


def one_way(spec: ProbeSpec, task: TaskSpec, recurrence: Recurrence) -> str | None:
    """Why a probe that follows time can't be asked of layers that also go backward."""
    if all(len(level) == 1 and not level[0].reverse for level in recurrence.levels):
        return None
    return (
        f"The probe {spec.kind} asks what a state knows of the past, and this model for {task.kind} runs backward "
        "too, so that its states know the future."
    )


def too_many(spec: ProbeSpec, task: TaskSpec, units: int) -> str | None:
    """Why so many units can't be read at once, as a sentence; None where they can."""
    if units <= MOST_UNITS:
        return None
    together = f"The probe {spec.kind} reads at most {MOST_UNITS:,} units together"
    return f"{together}, and this model for {task.kind} has {units:,}."


class NoInternals(TypeError):
    """A probe of states was asked of something that has none."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The probe {kind} looks inside a model, and this predictor shows nothing of what it asks for."
        )


def inner(spec: ProbeSpec, model: Predictor) -> Internals:
    """The network of a predictor that carries states, with its weights, or NoInternals."""
    internals = model.internals
    if internals is None or (internals.network.recurrence is None and internals.network.blocks is None):
        raise NoInternals(spec.kind)
    return internals


def recurrent_internals(spec: ProbeSpec, model: Predictor) -> tuple[Internals, Recurrence]:
    """The weights and the layers of a predictor, or NoInternals."""
    if model.internals is None or model.internals.network.recurrence is None:
        raise NoInternals(spec.kind)
    return model.internals, model.internals.network.recurrence
