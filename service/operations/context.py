"""What every operation needs: settings, the database and the bell."""

from dataclasses import dataclass

from memspan.parts.limits import Limits
from service.queue.bell import Bell
from service.settings import Settings
from service.storage.database import Database


@dataclass(frozen=True)
class Context:
    """The surroundings of an operation; made once for each process."""

    settings: Settings
    database: Database
    bell: Bell

    @property
    def limits(self) -> Limits:
        """The caps of specs, from the settings."""
        settings = self.settings
        return Limits(
            length=settings.max_length,
            repeats=settings.max_repeats,
            epochs=settings.max_epochs,
            hidden_size=settings.max_hidden_size,
            name=settings.max_name,
            runs=settings.max_runs,
        )
