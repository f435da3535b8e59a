"""Why something can't be written in, or read from, another framework's form."""


class NoForm(ValueError):
    """There is no such form of it; the message is a sentence for a user. ``place`` names what it is about."""

    def __init__(self, message: str, place: str | None = None) -> None:
        super().__init__(message)
        self.place = place
