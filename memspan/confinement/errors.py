"""How a question to a confined child can end without an answer; each message is a sentence for a user."""


class ConfinementError(Exception):
    """A confined child gave no answer."""


class Refused(ConfinementError):
    """The work itself says, in words, why there is none; ``place`` names what it is about."""

    def __init__(self, message: str, place: str | None = None) -> None:
        super().__init__(message)
        self.place = place


class OutOfTime(ConfinementError):
    """It took longer than it may."""


class OutOfMemory(ConfinementError):
    """It needs more memory than it may take."""


class ChildDied(ConfinementError):
    """The process ended in the middle."""
