"""Numbers in answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Number = Annotated[
    float | Literal["NaN", "Infinity", "-Infinity"], Field(description="what isn't finite travels as a string")
]


class Answer(BaseModel):
    """The base of all answers."""

    model_config = ConfigDict(extra="allow")


Link = dict[str, str]
Data = dict[str, Any]
