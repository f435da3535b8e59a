"""Branches: of a union that no form fits, the errors worth telling.

pydantic answers for each form of an untagged union what is wrong with it. A client meant one of them: the one that
his value comes nearest to.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memspan.validation import sentences
from memspan.validation.pointer import Path, subject


@dataclass(frozen=True)
class Placed:
    """A pydantic error, the place of it in the client's body, and the union labels on the way there."""

    path: Path
    labels: tuple[tuple[Path, str], ...]
    error: Mapping[str, Any]
    given: object

    @property
    def code(self) -> str:
        """The error's stable code."""
        return sentences.code(self.error)


def told(errors: Sequence[Placed]) -> list[Placed]:
    """The errors without those of forms that the client did not mean; outer unions are settled first."""
    left = list(errors)
    settled: set[Path] = set()
    while (place := _undecided(left, settled)) is not None:
        settled.add(place)
        left = _decide(left, place)
    return left


def _undecided(errors: Sequence[Placed], settled: set[Path]) -> Path | None:
    """The outermost place where errors of several forms meet."""
    forms: dict[Path, set[str]] = defaultdict(set)
    for placed in errors:
        for place, label in placed.labels:
            forms[place].add(label)
    open_places = [place for place, labels in forms.items() if len(labels) > 1 and place not in settled]
    return min(open_places, key=len, default=None)


def _decide(errors: list[Placed], place: Path) -> list[Placed]:
    """Keep, of the errors at a union, those of its nearest form; several equally near ones become one error."""
    forms: dict[str, list[Placed]] = defaultdict(list)
    for placed in errors:
        if (label := _label_at(placed, place)) is not None:
            forms[label].append(placed)
    nearest = min(_distance(form, place) for form in forms.values())
    chosen = [form for form in forms.values() if _distance(form, place) == nearest]
    kept = chosen[0] if len(chosen) == 1 else [_joined([form[0] for form in chosen], place)]
    first = next(index for index, placed in enumerate(errors) if _label_at(placed, place) is not None)
    before, after = errors[:first], errors[first:]
    return before + kept + [placed for placed in after if _label_at(placed, place) is None]


def _label_at(placed: Placed, place: Path) -> str | None:
    return next((label for where, label in placed.labels if where == place), None)


def _distance(form: Sequence[Placed], place: Path) -> tuple[bool, int, int]:
    """How far the value is from a form: wrong type altogether, then wrong field names, then anything."""
    wrong_type = any(placed.path == place and placed.code == sentences.WRONG_TYPE for placed in form)
    names = (sentences.MISSING, sentences.UNKNOWN_FIELD)
    wrong_names = sum(placed.code in names and len(placed.path) == len(place) + 1 for placed in form)
    return wrong_type, wrong_names, len(form)


def _joined(firsts: Sequence[Placed], place: Path) -> Placed:
    """One error that offers all the forms, made of the first error of each."""
    given = firsts[0].error.get("input")
    phrases = [sentences.phrase(first.error) if first.path == place else None for first in firsts]
    if all(phrases):
        required = " or ".join(dict.fromkeys(text for text in phrases if text))
        return Placed(place, (), {"type": "form_type", "ctx": {"required": required}}, given)
    wanted = [str(first.path[-1]) for first in firsts if first.code == sentences.MISSING and first.path]
    wants = f"; it needs {' or '.join(dict.fromkeys(wanted))}" if wanted else ""
    message = f"{subject(place)} fits none of its forms{wants}."
    return Placed(place, (), {"type": "no_form_fits", "msg": message}, given)
