"""Confinement: what others wrote is read and run in a child process that can take little, and can be lost.

``Confined(work, bounds)`` starts one; ``ask`` hands it a question and gives its answer, or a named error.
"""

from memspan.confinement.bounds import Bounds
from memspan.confinement.confined import Confined
from memspan.confinement.errors import ChildDied, ConfinementError, OutOfMemory, OutOfTime, Refused
from memspan.confinement.frame import Frame

__all__ = ["Bounds", "ChildDied", "Confined", "ConfinementError", "Frame", "OutOfMemory", "OutOfTime", "Refused"]
