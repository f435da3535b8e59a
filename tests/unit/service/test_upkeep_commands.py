"""Upkeep on the command line: an option that would do nothing is refused, with what to give."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer

from service.commands import cli
from service.settings import Settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MEMSPAN_{name.upper()}", raising=False)
    monkeypatch.setenv("MEMSPAN_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--days", "7"), "--days is of a rule: give the --label that it is about, or set MEMSPAN_RETENTION_DAYS"),
        (("--keep", "best"), "--keep is of a rule: give the --label"),
        (("--remove",), "--remove is of a rule: give the --label that it is about."),
        (("--keep", "nonsense"), "--keep must be one of best, results, nothing, not 'nonsense'"),
        (("--label", "draft", "--days", "7", "--keep", "nonsense"), "--keep must be one of best, results, nothing"),
        (("--label", "draft"), "The rule of 'draft' needs --days"),
        (("--label", "draft", "--days", "nan"), "--days must be a number of days, at least 0, not nan"),
        (("--label", "draft", "--days", "-1"), "--days must be a number of days, at least 0, not -1"),
        (("--label", "draft", "--remove", "--days", "7"), "leave out --days and --keep"),
        (("--label", "draft", "--remove"), "There is no rule of the label 'draft'"),
    ],
)
def test_retention_refuses_options_that_make_no_rule(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(typer.BadParameter, match=re.escape(sentence)):
        cli(["retention", *arguments], standalone_mode=False)


def test_retention_sets_lists_and_removes_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    def rules(*arguments: str) -> list[object]:
        cli(["retention", "--json", *arguments], standalone_mode=False)
        return list(json.loads(capsys.readouterr().out)["rules"])

    draft = {"label": "draft", "days": 7.0, "keep": "best"}
    assert rules("--label", "draft", "--days", "7") == rules() == [draft]
    assert rules("--label", "draft", "--days", "7", "--keep", "results") == [{**draft, "keep": "results"}]
    assert rules("--label", "draft", "--remove") == []
