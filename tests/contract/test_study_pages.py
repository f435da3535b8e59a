"""What the page of every study owes: its tables, printed by a command, and they are about the claims as they stand."""

from __future__ import annotations

import re

import pytest

from benchmarks.pages import MARKED, PAGES, folded, renewed
from memspan.claims.markdown import amendment
from memspan.claims.study import StudySpec
from memspan.studies import study

KINDS = sorted(study.kinds())
PRINTED = "memspan study {kind}"

each_kind = pytest.mark.parametrize("kind", KINDS)


def page(kind: str) -> str:
    return (PAGES / f"{kind}.md").read_text(encoding="utf-8")


def tables(kind: str) -> str:
    """What stands between the marks."""
    found = re.findall(MARKED.format(what=re.escape(PRINTED.format(kind=kind))), page(kind), flags=re.DOTALL)
    assert len(found) == 1, "one pair of marks"
    return str(found[0])


def spec(kind: str) -> type[StudySpec]:
    return study.spec(kind)


@each_kind
def test_a_page_names_the_command_and_the_scale_of_its_tables(kind: str) -> None:
    command = re.search(r"Printed by `memspan study (\S+) --scale (quick|full) --wait --markdown -`", tables(kind))
    assert command, "renew it: python -m benchmarks.pages study KIND --scale SCALE"
    assert command[1] == kind


@each_kind
def test_a_page_judges_the_claims_of_its_study_and_no_others(kind: str) -> None:
    claims, _, _ = tables(kind).partition("**Claims**\n\n")[2].partition("\n\n")
    rows = [line.split(" *")[0].removeprefix("| ") for line in claims.splitlines() if line.startswith("| ")][2:]
    assert rows == [claim.text.replace("|", "\\|") for claim in spec(kind).claims]


@each_kind
def test_a_page_tells_of_every_claim_that_was_changed(kind: str) -> None:
    told = [amendment(change.document()) for claim in spec(kind).claims for change in claim.amended]
    assert re.findall(r"\*\*Amended [^|]*(?= \|)", tables(kind)) == told


@each_kind
def test_a_page_tells_question_source_set_up_measurement_and_why(kind: str) -> None:
    heads = [line.removeprefix("## ") for line in page(kind).splitlines() if line.startswith("## ")]
    assert heads == ["The question", "What the source says", "What Memspan runs", "What Memspan measured", "Why"]
    assert len(page(kind).rpartition("## Why")[2]) > 200


def test_there_are_no_pages_of_unknown_studies() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == KINDS


def test_renewing_replaces_what_stands_between_the_marks_and_nothing_else() -> None:
    other = "\n\n<!-- begin: b -->\nb\n<!-- end -->\n"
    text = f"# A\n\n<!-- begin: memspan study a --scale quick -->\nold\n<!-- end -->{other}"
    found = renewed(text, "memspan study a", " --scale full", "new \\1")
    assert found.startswith("# A\n\n<!-- begin: memspan study a --scale full -->\n\nPrinted by `memspan study a ")
    assert "new \\1" in found
    assert "old" not in found
    assert found.endswith(f"<!-- end -->{other}")
    assert renewed(found, "memspan study a", " --scale full", "new \\1") == found


def test_a_page_without_marks_is_left_alone() -> None:
    with pytest.raises(ValueError, match="once; it does 0 times"):
        renewed("# A\n", "memspan study a", "", "new")


@pytest.mark.parametrize("title", ["x: conditions", "x: conditions, after 2,500 steps of Adam at 0.001"])
def test_the_long_tables_are_folded_behind_the_claims(title: str) -> None:
    found = folded(f"**Claims**\n\n| claim |\n\n**{title}**\n\n| model |\n")
    assert found.index("| claim |") < found.index("<details>") < found.index("| model |")
    assert "<details>" not in folded("**Claims**\n\n| claim |\n")
