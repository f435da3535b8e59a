"""Events in answers."""

from service.schemas.number import Answer, Data


class Event(Answer):
    """Something that happened to an experiment."""

    id: int
    type: str
    at: str
    data: Data
