"""Faults: every wrong field of a body, once, in the client's own path."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, from_json

from memspan.validation.places import LISTED_ERRORS, places
from memspan.validation.pointer import pointer
from service.errors import FieldError
from service.middleware.field_errors import field_errors_at, unprocessable


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rnn(Part):
    kind: Literal["rnn"]
    hidden_size: int = Field(ge=1, le=4_096)
    noise: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class Stack(Part):
    kind: Literal["stack"]
    part: Rnn | None = None


class Noise(Part):
    """A part with a field that is named like its kind."""

    kind: Literal["noise"]
    noise: "Level"


class Level(Part):
    width: int
    noise: int = 0


class Range(Part):
    low: int = Field(ge=1)
    high: int


class Log(Part):
    log: Range


class Search(Part):
    search: Range


class Spec(Part):
    models: tuple[Annotated[Rnn | Stack | Noise, Field(discriminator="kind")], ...] = Field(min_length=1, max_length=3)
    lengths: tuple[Annotated[int, Field(ge=1)], ...] | Log | Search = ()
    seeds: dict[str, int] = {}
    name: str = Field(default="", max_length=5)
    data: Literal["fixed", "fresh"] = "fixed"

    @model_validator(mode="after")
    def _grid(self) -> "Spec":
        if self.name == "grid":
            raise ValueError("The grid has 5 runs, at most 4 are allowed.")
        if self.name == "each":
            grid = PydanticCustomError("grid_too_large", "The grid has {runs} runs.", {"runs": 5})
            wrong = [InitErrorDetails(type=grid, loc=("lengths", 0), input=1)]
            raise ValidationError.from_exception_data("Spec", wrong * 2)
        return self


def found(raw: str) -> list[FieldError]:
    with pytest.raises(ValidationError) as refused:
        Spec.model_validate_json(raw, strict=True)
    return field_errors_at(places(refused.value, from_json(raw)))


def one(raw: str) -> FieldError:
    (fault,) = found(raw)
    return fault


def rnn(**values: Any) -> str:
    from json import dumps

    return dumps({"kind": "rnn", "hidden_size": 1, **values})


def test_all_wrong_fields_are_named_at_once() -> None:
    raw = f'{{"models": [{rnn()}, {rnn(hidden_size=9999)}], "name": "too long", "data": "stale", "nmae": 1}}'
    assert {(fault.pointer, fault.code) for fault in found(raw)} == {
        ("#/models/1/hidden_size", "too_large"),
        ("#/name", "too_long"),
        ("#/data", "not_allowed"),
        ("#/nmae", "unknown_field"),
    }


def test_the_sentence_names_the_limit_and_what_was_given() -> None:
    assert one(f'{{"models": [{rnn(hidden_size=9999)}]}}') == FieldError(
        "#/models/0/hidden_size", "too_large", "hidden_size must be at most 4096, not 9999.", 9999
    )
    assert one(f'{{"models": [{rnn()}], "name": "too long"}}').message == (
        "name must be at most 5 characters long, not 8."
    )
    assert one(f'{{"models": [{rnn()}], "data": "stale"}}').message == "data must be 'fixed' or 'fresh', not 'stale'."
    assert one(f'{{"models": [{rnn()}], "lengths": [3, 0]}}').message == "lengths[1] must be at least 1, not 0."


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_a_fault_at_its_place(constant: str) -> None:
    fault = one(f'{{"models": [{{"kind": "rnn", "hidden_size": 1, "noise": {constant}}}]}}')
    assert (fault.pointer, fault.code) == ("#/models/0/noise", "not_finite")


def test_a_number_as_text_is_no_number() -> None:
    assert one(f'{{"models": [{rnn(noise="NaN")}]}}').message == "noise must be a number, not 'NaN'."


def test_an_unknown_kind_is_a_fault_of_kind_and_the_known_ones_are_listed() -> None:
    fault = one('{"models": [{"kind": "gru"}]}')
    assert (fault.pointer, fault.code, fault.given) == ("#/models/0/kind", "unknown_kind", "gru")
    assert all(kind in fault.message for kind in ("rnn", "stack", "noise", "gru"))


def test_a_missing_kind_is_a_fault_of_kind() -> None:
    fault = one('{"models": [{"hidden_size": 1}]}')
    assert (fault.pointer, fault.code, fault.given) == ("#/models/0/kind", "missing", None)


@pytest.mark.parametrize("kind", ['["rnn"]', "null", "NaN", "{}"])
def test_a_kind_that_is_no_text_is_a_fault_of_kind(kind: str) -> None:
    assert one(f'{{"models": [{{"kind": {kind}}}]}}').pointer == "#/models/0/kind"


def test_union_tags_are_no_part_of_the_path() -> None:
    assert one('{"models": [{"kind": "stack", "part": {"kind": "rnn"}}]}').pointer == "#/models/0/part/hidden_size"


def test_a_field_named_like_its_kind_keeps_its_place() -> None:
    assert one('{"models": [{"kind": "noise", "noise": {"width": "x"}}]}').pointer == "#/models/0/noise/width"
    assert one('{"models": [{"kind": "noise", "noise": {"noise": 1}}]}').pointer == "#/models/0/noise/width"
    assert one('{"models": [{"kind": "noise", "noise": {"width": 1, "noise": "x"}}]}').pointer == (
        "#/models/0/noise/noise"
    )
    assert one('{"models": [{"kind": "noise", "noise": 2}]}').pointer == "#/models/0/noise"
    assert one('{"models": [{"kind": "noise"}]}').pointer == "#/models/0/noise"


def test_wrong_items_do_not_make_a_list_too_short() -> None:
    assert [fault.pointer for fault in found('{"models": [4]}')] == ["#/models/0"]
    assert one('{"models": []}').message == "models must be at least 1 items long, not 0."


def test_of_a_union_only_the_form_that_was_meant_is_told() -> None:
    models = f'"models": [{rnn()}]'
    assert one(f'{{{models}, "lengths": {{"log": {{"low": 1}}}}}}').pointer == "#/lengths/log/high"
    assert one(f'{{{models}, "lengths": {{"search": {{"low": 0, "high": 9}}}}}}').pointer == "#/lengths/search/low"
    assert [fault.pointer for fault in found(f'{{{models}, "lengths": [0, "x"]}}')] == ["#/lengths/0", "#/lengths/1"]
    assert one(f'{{{models}, "lengths": {{"log": {{"low": 1, "high": 2}}, "x": 1}}}}').pointer == "#/lengths/x"


def test_a_value_that_fits_no_form_gets_one_sentence_with_all_of_them() -> None:
    models = f'"models": [{rnn()}]'
    assert one(f'{{{models}, "lengths": 5}}').message == "lengths must be a list or an object, not 5."
    fault = one(f'{{{models}, "lengths": {{"low": 1}}}}')
    assert (fault.pointer, fault.code) == ("#/lengths", "no_form_fits")
    assert "log or search" in fault.message


def test_a_rule_over_the_whole_body_points_at_the_body_or_where_it_says() -> None:
    fault = one(f'{{"models": [{rnn()}], "name": "grid"}}')
    assert (fault.pointer, fault.message) == ("#", "The grid has 5 runs, at most 4 are allowed.")
    fault = one(f'{{"models": [{rnn()}], "lengths": [7], "name": "each"}}')
    assert (fault.pointer, fault.code, fault.message) == ("#/lengths/0", "grid_too_large", "The grid has 5 runs.")


def test_a_body_of_another_type_is_a_fault_of_the_whole() -> None:
    assert one("[1]") == FieldError("#", "wrong_type", "The body must be an object, not a list.", [1])


def test_pointers_are_escaped() -> None:
    assert one(f'{{"models": [{rnn()}], "seeds": {{"a/b~c d": "x"}}}}').pointer == "#/seeds/a~1b~0c%20d"
    assert pointer(("a/b", 0, "~", "é%")) == "#/a~1b/0/~0/%C3%A9%25"


def test_a_made_up_field_name_does_not_blow_up_the_sentence() -> None:
    fault = one(f'{{"models": [{rnn()}], "{"x" * 5_000}": 1}}')
    assert len(fault.message) < 200


def test_no_answer_lists_more_faults_than_anybody_reads() -> None:
    listed = found(f'{{"models": [{rnn()}], "lengths": [{",".join(["0"] * 5_000)}]}}')
    assert len(listed) == LISTED_ERRORS
    assert unprocessable(listed, 4_900).detail.startswith("5000 values are wrong; the first 100 are listed in errors.")
    assert unprocessable([*listed, *listed]).document("/", "1")["more_errors"] == LISTED_ERRORS


def test_one_fault_is_itself_the_detail() -> None:
    assert unprocessable(found('{"models": []}')).detail == "models must be at least 1 items long, not 0."
    assert unprocessable(found('{"models": [], "name": 1}')).detail.startswith("2 fields are wrong")
