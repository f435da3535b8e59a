"""Problems: RFC 9457 documents that any JSON encoder takes."""

import json
import pickle

import pytest

from memspan.validation.shown import SHOWN_CHARACTERS, shown
from service.errors import (
    Conflict,
    FieldError,
    NotFound,
    Problem,
    Unauthorized,
    Unavailable,
    Unprocessable,
)


def test_a_problem_is_an_rfc_9457_document() -> None:
    assert NotFound("There is nothing with the id exp-9.").document("/experiments/exp-9", "abc") == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing with the id exp-9.",
        "instance": "/experiments/exp-9",
        "request_id": "abc",
    }


def test_the_wrong_fields_are_listed() -> None:
    fault = FieldError("#/models/1/hidden_size", "too_large", "hidden_size must be at most 4096, not 9999.", 9999)
    document = Unprocessable("One field is wrong.", errors=[fault]).document("/experiments", "abc")
    assert document["errors"] == [
        {
            "pointer": "#/models/1/hidden_size",
            "code": "too_large",
            "message": "hidden_size must be at most 4096, not 9999.",
            "given": 9999,
        }
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (float("nan"), "NaN"),
        ([float("inf"), -float("inf")], ["Infinity", "-Infinity"]),
        ({"a": (1, {2: None})}, {"a": [1, {"2": None}]}),
        ("\ud800", "\\ud800"),
        (b"\xff", "\\xff"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (10**30, 10**30),
        (True, True),
    ],
)
def test_what_a_client_gave_is_shown_as_json(given: object, expected: object) -> None:
    assert shown(given) == expected
    json.dumps(shown(given), allow_nan=False, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("given", ["x" * 5_000, list(range(1_000_000)), {"a": "y" * 5_000}, [["z"]] * 100_000])
def test_an_overlong_value_is_cut_with_a_note(given: object) -> None:
    text = shown(given)
    assert isinstance(text, str)
    assert len(text) < SHOWN_CHARACTERS + 40
    assert "…" in text


def test_nesting_without_end_is_shown_too() -> None:
    circle: list[object] = []
    circle.append(circle)
    assert shown(circle)


def test_an_answer_says_when_and_how_to_ask_again() -> None:
    assert Unavailable("Later.", retry_after_seconds=2).headers == {"Retry-After": "2"}
    assert Unauthorized("Who?").headers["WWW-Authenticate"].startswith("Bearer")


def test_each_problem_has_its_own_code_and_title() -> None:
    kinds = [kind for kind in Problem.__subclasses__() if kind.__module__ == "service.errors"]
    assert len({kind.code for kind in kinds}) == len({kind.title for kind in kinds}) == len(kinds)


def test_a_problem_survives_the_way_between_processes() -> None:
    problem = pickle.loads(pickle.dumps(Conflict("The experiment is active.", headers={"A": "b"})))  # noqa: S301, made here
    assert (problem.detail, problem.headers) == ("The experiment is active.", {"A": "b"})
