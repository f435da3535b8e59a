"""The answer of a dry run."""

from pydantic import Field

from service.schemas.number import Answer, Data


class Plan(Answer):
    """What an experiment would be; nothing is stored."""

    spec: Data
    conditions: int
    runs: int
    populations: int
    parameters: list[Data]
    warnings: list[dict[str, str]]
    estimated_seconds: float = Field(description="wall time with the workers that are there, probes included")
    peak_bytes: int = Field(description="the most memory that one worker holds")
    workers: int
    tuning_runs: int = Field(description="those among the runs that serve to choose settings, and enter nothing else")
    at_most: bool = Field(description="conditions, runs and populations are the most that a length search may take")
    basis: str
    matched: list[Data] = Field(description="what each model that was matched amounts to, and at which width")
