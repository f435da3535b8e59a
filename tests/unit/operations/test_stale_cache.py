"""The last answers."""

from __future__ import annotations

from service.operations.stale_cache import StaleCache


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_given_again_until_what_it_is_made_of_changes() -> None:
    lately: StaleCache[str] = StaleCache(5.0, 9)
    assert lately.get("a", 1, False, lambda: "first") == "first"
    assert lately.get("a", 1, False, lambda: "again") == "first"
    assert lately.get("a", 2, False, lambda: "changed") == "changed"


def test_what_goes_on_changing_is_asked_anew_after_a_while() -> None:
    clock = Clock()
    lately: StaleCache[str] = StaleCache(5.0, 9, clock)
    lately.get("a", 1, True, lambda: "first")
    clock.now += 4.9
    assert lately.get("a", 2, True, lambda: "second") == "first"
    clock.now += 0.2
    assert lately.get("a", 3, True, lambda: "third") == "third"


def test_what_has_settled_is_never_answered_from_before() -> None:
    lately: StaleCache[str] = StaleCache(5.0, 9, Clock())
    lately.get("a", 1, True, lambda: "so far")
    assert lately.get("a", 2, False, lambda: "final") == "final"


def test_the_question_asked_longest_ago_is_forgotten() -> None:
    lately: StaleCache[str] = StaleCache(5.0, 2)
    for name in "abc":
        lately.get(name, 1, False, lambda: "kept")
    assert lately.get("c", 1, False, lambda: "new") == "kept"
    assert lately.get("a", 1, False, lambda: "new") == "new"
