"""The base of all probe specs."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from memspan.interfaces.network import Network
from memspan.interfaces.spec import PartSpec
from memspan.interfaces.task import TaskSpec


@dataclass(frozen=True)
class Effort:
    """What a probe asks of each model, counted in whole sequences; what its answer costs follows from it.

    Attributes:
        answers: sequences that the model answers.
        gradients: sequences through which it is differentiated.
        calls: of the network that can't be made together, whatever a call may hold; all repeats share them.
        steps: of a sequence; None = as many as the task's have.
    """

    answers: float = 0.0
    gradients: float = 0.0
    calls: float = 1.0
    steps: int | None = None


class ProbeSpec(PartSpec):
    """A question to a trained model; bound to ``measure(spec, model, task, length, rng) -> Reading``."""

    asks_weights: ClassVar[bool] = True
    """whether the answer depends on the trained weights, so that n counts their repeats; else on the network alone"""
    one_repeat: ClassVar[bool] = False
    """whether one of several repeats is looked at, so that n counts what it is asked about"""
    repeatable: ClassVar[bool] = True
    """whether equal questions get equal answers; a time is never the same twice"""

    not_of_tokens: ClassVar[str] = ""
    """why it can't be asked about sequences of tokens, and what to ask instead; empty where it can"""

    looks_inside: ClassVar[bool] = True
    """whether it looks at more than answers: at gradients, states or weights"""

    def indices(self) -> dict[str, int]:
        """The fields that name a time step, with their values; negative ones count from the end."""
        return {}

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        """Why the probe does not apply to a task, or to a network that was built for it; None when it does."""
        return None

    def refusal(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        """Why the probe can't be asked: it takes numbers where a step shows a token, or its own objection."""
        if self.looks_inside and network is not None and network.opaque:
            return (
                f"The probe {self.kind} looks inside a model, and of one in ONNX there are only answers. Import its "
                "weights as safetensors, or ask change, blinding, occlusion, context or length_shift."
            )
        if task.signature(length).vocabulary and self.not_of_tokens:
            return f"The probe {self.kind} takes numbers, and {task.kind} shows tokens: {self.not_of_tokens}"
        return self.objection(task, length, network)

    @abstractmethod
    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        """What it takes to ask it about sequences of a task: plans and remaining times are made of it."""

    def misplaced(self, length: int) -> dict[str, int]:
        """The fields whose time step lies outside a sequence of ``length`` steps."""
        return {name: index for name, index in self.indices().items() if not -length <= index < length}
