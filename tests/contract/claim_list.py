"""The stored list of all claims: what each study claimed when, and what was changed since.

``python -m tests.contract.claim_list`` renews ``tests/contract/claims.json`` from the studies as they stand. It refuses
while a claim's metric, direction or threshold differs from what is stored and no amendment tells of it;
``--removed KIND/ID=WHY`` marks a claim that a study makes no longer, which stays in the list with day and reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from memspan.claims.amendment import written
from memspan.claims.claim import Claim
from memspan.studies import study

LIST = Path(__file__).with_name("claims.json")
RENEW = "python -m tests.contract.claim_list"
DECLARED = ("metric", "direction", "threshold")
Entry = Mapping[str, Any]


def stored() -> dict[str, Entry]:
    """Every claim that was ever written down, by study and id."""
    entries: dict[str, Entry] = json.loads(LIST.read_text(encoding="utf-8"))
    return entries


def standing() -> dict[str, Claim]:
    """The claims of all studies as they stand."""
    return {f"{kind}/{claim.id}": claim for kind in sorted(study.kinds()) for claim in study.spec(kind).claims}


def entry(claim: Claim, since: str) -> dict[str, Any]:
    """A claim as the list holds it.

    Args:
        since: the day on which it was stored like this, as 2026-11-21.
    """
    own = {"text": claim.text, **{name: getattr(claim, name) for name in DECLARED}}
    return {**own, "amended": [each.document() for each in claim.amended], "since": since}


def untold(name: str, old: Entry, claim: Claim) -> Iterator[str]:
    """What was changed of a claim without an amendment that tells of it, in sentences.

    An amendment tells of a change if it is not in the stored list yet, is dated no earlier than the stored entry, and
    names the stored value. Amendments that were stored must stay as they are.
    """
    changes = [each.document() for each in claim.amended]
    known = list(old["amended"])
    if changes[: len(known)] != known:
        yield f"{name}: a stored amendment was changed or is gone."
    told = [each for each in changes if each not in known and each["date"] >= old["since"]]
    for field in DECLARED:
        before, after = written(old[field]), written(getattr(claim, field))
        if before != after and not any((each["field"], each["before"]) == (field, before) for each in told):
            yield f"{name}: its {field} was {before!r} and is {after!r}; no amendment since {old['since']} says so."


def flaws(old: Mapping[str, Entry], now: Mapping[str, Claim]) -> Iterator[str]:
    """Where studies and list differ in a way that must not be stored: untold changes, and claims that are gone."""
    for name, each in old.items():
        if name in now:
            yield from untold(name, each, now[name])
        elif "removed" not in each:
            yield f"{name}: the study makes this claim no longer; say why with --removed {name}=WHY."


def stale(old: Mapping[str, Entry], now: Mapping[str, Claim]) -> Iterator[str]:
    """Claims that the list does not hold as they stand: new ones, other words, amendments that are not stored yet."""
    for name, claim in now.items():
        if name not in old:
            yield f"{name}: a new claim, which is not in the list."
        elif entry(claim, old[name]["since"]) != old[name]:
            yield f"{name}: the list holds it in other words or without its newest amendment."


def renewed(old: Mapping[str, Entry], now: Mapping[str, Claim], today: str) -> dict[str, Entry]:
    """The list with the claims as they stand; an entry's date changes only with the entry.

    Raises:
        ValueError: there are flaws.
    """
    found = list(flaws(old, now))
    if found:
        raise ValueError("\n".join(found))
    kept = {name: old[name]["since"] for name in now.keys() & old.keys() if not list(stale(old, {name: now[name]}))}
    current = {name: entry(claim, kept.get(name, today)) for name, claim in now.items()}
    return dict(sorted({**old, **current}.items()))


def removed(old: Mapping[str, Entry], names: Mapping[str, str], today: str) -> dict[str, Entry]:
    """The list with some claims marked as gone, by name with the reason."""
    return {**old, **{name: {**old[name], "removed": f"{today}: {why}"} for name, why in names.items()}}


def main(
    removed_claims: Annotated[Sequence[str], typer.Option("--removed", help="a claim that is gone: KIND/ID=WHY")] = (),
) -> None:
    """Renew the list, or say why not."""
    today = datetime.now(UTC).date().isoformat()
    reasons = dict(each.split("=", 1) for each in removed_claims)
    try:
        found = renewed(removed(stored(), reasons, today), standing(), today)
    except ValueError as flaw:
        raise SystemExit(str(flaw)) from None
    LIST.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
