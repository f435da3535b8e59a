"""Models that were made elsewhere: they bring a network and an answer of their own, and are never trained here."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from memspan.interfaces.match import Width
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Signature
from memspan.interfaces.tensor_file import Bytes


class ForeignModel(ModelSpec):
    """A model whose arithmetic is not Memspan's. No family lists it: nobody can ask for one to be trained."""

    width: ClassVar[Width | None] = None

    @abstractmethod
    def network(self, signature: Signature) -> Network:
        """What is known of it: how many numbers it has, and whether it takes any length."""

    @abstractmethod
    def predictor(self, files: Sequence[Bytes], signature: Signature) -> Predictor:
        """What answers, of the one file that it is stored in."""
