"""Times and links in templates; numbers are written as everywhere."""

from __future__ import annotations

from service.pages.environment import environment, moment, segment


def test_times_are_universal() -> None:
    assert moment("2024-05-02T12:11:12+02:00") == "2024-05-02 10:11 UTC"
    assert moment(None) == "–"
    assert moment("soon") == "soon"


def test_a_value_is_one_segment_of_a_path() -> None:
    assert segment("a/b?c") == "a%2Fb%3Fc"


def test_a_field_that_a_document_lacks_is_a_dash() -> None:
    template = environment().from_string(
        "{{ a.b | number }} {{ (a | with_interval(a.c, a.d)).value }} {{ a | duration }}"
    )
    assert template.render() == "– – –"
