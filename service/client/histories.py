"""Needed history of a file on this machine: the answer in a terminal, as a page, as JSON and as a figure."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from memspan.needed_history.answer import Answer
from memspan.needed_history.asking import answered
from memspan.needed_history.markdown import markdown
from memspan.needed_history.question import Question, series_of
from memspan.needed_history.rows import by_context, columns, fades, recipe, used
from memspan.needed_history.series import UnusableSeries
from memspan.statistics.notation import number
from memspan.tables.fault import Unreadable
from memspan.tables.options import GUESSED, ReadOptions
from memspan.tables.reader import read_table
from memspan.tables.table import Table
from service.client.tables import narrow_table

STANDARD_OUTPUT = "-"
REFUSED = 2
FORMATS = ("png", "svg", "pdf", "json")


@dataclass(frozen=True)
class Outputs:
    """Where the answer goes beside the terminal; "-" is standard output, None nowhere.

    Attributes:
        figure: a file whose ending says its format; ``json`` is Vega-Lite.
    """

    markdown: str | None = None
    json: str | None = None
    figure: Path | None = None

    @property
    def to_standard_output(self) -> bool:
        return STANDARD_OUTPUT in (self.markdown, self.json)


@dataclass(frozen=True)
class Asked:
    """What the command line asks of a file.

    Attributes:
        fields: of a question, which may be wrong.
        time_format: of the column that tells when, as strptime has it.
    """

    fields: tuple[Any, ...]
    longest: int | None
    learners: tuple[str, ...]
    time_format: str | None


def tell_file(path: Path, asked: Asked, outputs: Outputs) -> int:
    """Ask a CSV, Parquet, NPY or NPZ file; the exit status."""
    console = Console(stderr=outputs.to_standard_output)
    errors = Console(stderr=True)
    try:
        form, question = _format(outputs.figure), Question(*asked.fields)
        series = series_of(_table(path, question.time, asked.time_format), question)
        answer = answered(series, asked.longest, asked.learners)
        _write(answer, outputs, form)
    except Unreadable as wrong:
        for fault in wrong.faults[:10]:
            errors.print(f"{path}: {fault}", style="red", markup=False, highlight=False, soft_wrap=True)
        return REFUSED
    except (UnusableSeries, OSError) as wrong:
        errors.print(f"{path}: {wrong}", style="red", markup=False, highlight=False, soft_wrap=True)
        return REFUSED
    show(answer.document(), console)
    return 0


def _format(figure: Path | None) -> str | None:
    """Of the figure's file, before anything is worked out for it."""
    form = figure.suffix.removeprefix(".") if figure else None
    if form is not None and form not in FORMATS:
        raise UnusableSeries("figure", f"ends in one of {', '.join(FORMATS)}; given was {str(figure)!r}.")
    return form


def _table(path: Path, time: str | None, time_format: str | None) -> Table:
    if time_format is not None and time is None:
        raise UnusableSeries("time_format", "say with it which column it is of: --time.")
    options = ReadOptions(time_column=time, time_format=time_format) if time_format else GUESSED
    found = read_table(path, options)
    if not isinstance(found, Table):
        raise UnusableSeries("file", "holds sequences that were cut already; rows of columns are asked.")
    return found


def _write(answer: Answer, outputs: Outputs, form: str | None) -> None:
    document = answer.document()
    if outputs.markdown:
        _text(outputs.markdown, markdown(document))
    if outputs.json:
        _text(outputs.json, json.dumps(document, indent=2, allow_nan=False) + "\n")
    if outputs.figure and form:
        outputs.figure.write_bytes(_drawn(document, form))


def _text(target: str, text: str) -> None:
    if target == STANDARD_OUTPUT:
        sys.stdout.write(text)
    else:
        Path(target).write_text(text, encoding="utf-8")


def _drawn(document: Mapping[str, Any], form: str) -> bytes:
    from memspan.figures.history import history  # charts take half a second to import
    from memspan.figures.render import paper, render

    chart = history(document)
    return json.dumps(paper(chart)).encode() if form == "json" else render(chart, form)  # type: ignore[arg-type]


def show(answer: Mapping[str, Any], console: Console) -> None:
    """The sentence first, then its tables."""
    console.print(answer["sentence"], style="bold", markup=False, highlight=False)
    for line in filter(None, [answer["beside"], answer["meaning"], *answer["cautions"]]):
        console.print(line, markup=False, highlight=False)
    several = [each["sentence"] for each in answer["learners"]] if len(answer["learners"]) > 1 else []
    for line in [*several, *used(answer)]:
        console.print(line, markup=False, highlight=False)
    console.print("\n".join(recipe(answer)), markup=False, highlight=False)
    for each in answer["learners"]:
        heading = ("context", "loss (95 % interval)", "skill", "MASE", "adds")
        _print(console, f"Loss of {each['model']['kind']} by context", heading, by_context(each))
    if answer["fades"]:
        _print(console, "Steps that keep a share of the skill", ("share", "steps"), fades(answer))
    if answer["columns"]:
        heading = ("column", "steps", "interval", "p", "share of the loss")
        _print(console, "How far back each column matters", heading, columns(answer))


def _print(console: Console, title: str, heading: tuple[str, ...], rows: Any) -> None:
    shown = narrow_table(*heading, title=title)
    for row in rows:
        shown.add_row(*(number(cell) for cell in row))
    console.print(shown)
