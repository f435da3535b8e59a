"""``memspan history FILE`` answers on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from memspan.instruments.processes import AR2
from service.commands import cli


def asked(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["history", *map(str, words)], env={"COLUMNS": "100"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    x = AR2.draw(500, np.random.default_rng(1))
    days = np.datetime64("2024-01-01") + np.arange(500)
    path = tmp_path / "x.csv"
    path.write_text("day;x\n" + "".join(f"{day};{value:.6f}\n" for day, value in zip(days, x, strict=True)))
    return path


def test_a_file_is_answered_in_one_sentence_and_tables(file: Path) -> None:
    told = asked(file, "--target", "x")
    assert told.exit_code == 0
    words = " ".join(told.stdout.split())
    assert words.startswith("x needs 2 days (")
    assert "2 <-" in told.stdout
    assert "Steps that keep a share of the skill" in words


def test_page_numbers_and_figure_are_written(file: Path, tmp_path: Path) -> None:
    page, numbers, figure = (tmp_path / name for name in ("a.md", "a.json", "a.png"))
    told = asked(file, "--target", "x", "--markdown", page, "--json", numbers, "--figure", figure)
    assert told.exit_code == 0
    assert page.read_text(encoding="utf-8").startswith("**x needs 2 days (")
    assert json.loads(numbers.read_text(encoding="utf-8"))["steps"] == 2
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_one_of_several_series_is_asked_by_the_column_that_tells_them_apart(file: Path, tmp_path: Path) -> None:
    rows = file.read_text(encoding="utf-8").splitlines()[1:]
    both = tmp_path / "both.csv"
    both.write_text("shop;day;x\n" + "".join(f"{shop};{row}\n" for shop in "ab" for row in rows))
    assert "as series_column" in " ".join(asked(both, "--target", "x").stderr.split())
    told = asked(both, "--target", "x", "--series-column", "shop", "--only", "a")
    assert (told.exit_code, " ".join(told.stdout.split())[:14]) == (0, "x needs 2 days")


def test_numbers_on_standard_output_stand_there_alone(file: Path) -> None:
    told = asked(file, "--json", "-")
    assert json.loads(told.stdout)["state"] == "found"
    assert "x needs 2 days" in " ".join(told.stderr.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--target", "y"), "target: there is no column 'y'; there are day, x."),
        (("--horizon", "0"), "horizon: lies from 1 to half of the 500 rows; given was 0."),
        (("--longest", "101"), "longest: lies from 1 to 100 for 500 rows of 1 columns; given was 101."),
        (("--missing", "drop"), "missing: is one of error, interpolate, segment; given was 'drop'."),
        (("--figure", "a.gif"), "figure: ends in one of png, svg, pdf, json; given was 'a.gif'."),
        (("--time-format", "%Y"), "time_format: say with it which column it is of: --time."),
    ],
)
def test_what_is_wrong_is_said_by_name_and_ends_badly(file: Path, words: tuple[str, ...], said: str) -> None:
    told = asked(file, *words)
    assert told.exit_code == 2
    assert said in told.stderr
    assert told.stdout == ""


def test_a_file_that_can_not_be_read_says_where(tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text("a,b\n1,2\n3\n" + "4,5\n" * 80)
    told = asked(path, "--target", "a")
    assert told.exit_code == 2
    assert "row 2" in told.stderr
    assert asked(tmp_path / "none.csv").exit_code == 2


def test_dates_of_digits_are_read_by_their_format(tmp_path: Path) -> None:
    x = AR2.draw(300, np.random.default_rng(2))
    weeks = np.datetime64("2020-01-04") + 7 * np.arange(300)
    path = tmp_path / "weeks.csv"
    path.write_text("date,x\n" + "".join(f"{str(w).replace('-', '')},{v}\n" for w, v in zip(weeks, x, strict=True)))
    assert "Dates such as 20261122 need their format" in asked(path, "--target", "x").stderr
    told = asked(path, "--target", "x", "--time", "date", "--time-format", "%Y%m%d")
    assert "x needs 2 weeks" in " ".join(told.stdout.split())
