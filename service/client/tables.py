"""Results as tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from memspan.figures.curve_scores import curve_scores
from memspan.figures.document import metric_of
from memspan.figures.label import label
from memspan.figures.naming import naming
from memspan.figures.number_axis import in_order, number_axis
from memspan.figures.training_words import after, runs_words
from memspan.figures.tuning_words import chosen_loss, chosen_words, window_words
from memspan.statistics.notation import UNKNOWN, Written, number, span_with_interval, with_interval
from service.pages.headline import headline

Entry = Mapping[str, Any]
FEW_LINES = 10
"""comparisons of memory spans that are told in words"""
FEW = 2
"""models whose values and intervals have room side by side"""


def tables(results: Entry) -> Group:
    """The answer in words, score by length and model, memory spans and the searches for them, how training ended, what
    was tuned, probes, and why runs failed."""
    parts: list[Table | Text] = [scores(results, task) for task in _tasks(results)]
    parts += [spans(results)] if results["spans"] else []
    parts += [Text(each["sentence"]) for each in results.get("comparisons", ()) if each["metric"] == "span"][:FEW_LINES]
    parts += [training(results, task) for task in _tasks(results) if _any_unconverged(results, task)]
    parts += [Text(sentence) for sentence in matched(results)]
    parts += [searches(results)] if results["searches"] else []
    parts += [tuning(results)] if results.get("tuning") else []
    parts += [Text(words) for words in warnings(results)]
    answer = [Text(sentence) for sentence in headline({"experiment": {}, **results})]
    return Group(*answer, *parts, *_probes(results), *failures(results))


def matched(results: Entry) -> list[str]:
    """``lstm matched: parameters 4,966 of 5,000, hidden_size 34``, once for each model that was."""
    return list(dict.fromkeys(f"{each['kind']} {each['sentence']}" for each in results.get("matched", ())))


def narrow_table(*columns: str, title: str) -> Table:
    """A table that stays narrow: 80 columns hold a length and four models."""
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1))


def _tasks(results: Entry) -> list[Any]:
    found: list[Any] = []
    for condition in results["conditions"]:
        if condition["task"] not in found:
            found.append(condition["task"])
    return found


def _models(results: Entry) -> list[Any]:
    found: list[Any] = []
    for condition in results["conditions"]:
        if condition["model"] not in found:
            found.append(condition["model"])
    return found


def _lengths(entries: Sequence[Entry]) -> list[int | None]:
    """The lengths of some conditions or probes, ascending: each model of a search has its own."""
    return sorted({entry["length"] for entry in entries}, key=lambda length: length or 0)


def scores(results: Entry, task: Entry) -> Table:
    """One row a length, one column a model: mean score with its 95 % interval."""
    conditions = [c for c in results["conditions"] if c["task"] == task]
    metric, models = metric_of(conditions), _models(results)
    title = _trained(f"{task['kind']}: {metric.replace('_', ' ')}, mean over repeats with 95 % interval", conditions)
    table = narrow_table("length", title=title)
    for model in models:
        table.add_column(label(model, models), justify="right")
    for length in _lengths(conditions):
        cells = {str(c["model"]): _score(c["metrics"].get(metric)) for c in conditions if c["length"] == length}
        table.add_row(number(length), *_row(models, cells))
    return table


def _trained(title: str, entries: Sequence[Entry]) -> str:
    """A title with what the numbers under it were trained by."""
    budget = after(entries)
    return f"{title}, {budget}" if budget else title


def _any_unconverged(results: Entry, task: Entry) -> bool:
    states = [(c.get("convergence") or {}).get("state") for c in results["conditions"] if c["task"] == task]
    return any(state not in (None, "converged") for state in states)


def training(results: Entry, task: Entry) -> Table:
    """One row a length, one column a model: how many repeats had come to which end."""
    conditions = [c for c in results["conditions"] if c["task"] == task]
    models = _models(results)
    table = narrow_table("length", title=_trained(f"{task['kind']}: repeats when training ended", conditions))
    for model in models:
        table.add_column(label(model, models), justify="right")
    for length in _lengths(conditions):
        cells = {str(c["model"]): runs_words(c) for c in conditions if c["length"] == length}
        table.add_row(number(length), *(cells.get(str(model)) or UNKNOWN for model in models))
    return table


def _score(summary: Entry | None) -> Written:
    if summary is None or summary["n"] == 0:
        return Written(UNKNOWN)
    return with_interval(summary["mean"], summary["low"], summary["high"])


def _row(models: Sequence[Entry], cells: Mapping[str, Written]) -> list[str]:
    """A cell for each model; of many models the interval stands under the value."""
    written = [str(cells.get(str(model), UNKNOWN)) for model in models]
    return [each.replace(" (", "\n(") for each in written] if len(models) > FEW else written


def spans(results: Entry) -> Table:
    """One row for each task and model: its memory span in steps."""
    models = _models(results)
    title = _trained("Memory span: the length that half of the repeats solve", results["spans"])
    table = narrow_table("task", "model", "span (steps)", "95 % interval", "longest solved", title=title)
    axis = number_axis(results["spans"])
    for entry in in_order(results["spans"], axis) if axis else results["spans"]:
        found = span_with_interval(entry)
        solved = "none" if entry["longest_solved"] is None else number(entry["longest_solved"])
        table.add_row(entry["task"]["kind"], label(entry["model"], models), found.value, found.interval, solved)
    return table


def searches(results: Entry) -> Table:
    """One row for each task and model of a length search: what its span took."""
    models = _models(results)
    title = "Length search: what each span took"
    table = narrow_table("task", "model", "rounds", "lengths", "runs", "at most", title=title)
    for search in results["searches"]:
        numbers = (search[name] for name in ("rounds", "lengths", "runs", "most_runs"))
        table.add_row(search["task"]["kind"], label(search["model"], models), *map(number, numbers))
    return table


def tuning(results: Entry) -> Table:
    """One row for each choice of a setting: what was chosen, and at which rates at least half of the runs are good."""
    models = naming(results).models
    title = "Tuning: the setting of the lowest median validation loss, by runs that enter nothing else"
    table = narrow_table("task", "model", "length", "chosen", "validation loss", "rates that work", title=title)
    for entry in results["tuning"]:
        place = entry["task"]["kind"], label(entry["model"], models), number(entry["length"])
        table.add_row(*place, chosen_words(entry), str(chosen_loss(entry)), window_words(entry))
    return table


def warnings(results: Entry) -> list[str]:
    """What to mind about choices, each thing once."""
    return list(dict.fromkeys(each["warning"] for each in results.get("tuning", ()) if each["warning"]))


def _probes(results: Entry) -> list[Table]:
    """For each number that a probe gave, a scalar or what a curve comes to, one table: a row a length, a column a
    model."""
    specs: list[Any] = []
    for probe in results["probes"]:
        if probe["spec"] not in specs:
            specs.append(probe["spec"])
    return [table for spec in specs for table in _probe(results, spec)]


def _probe(results: Entry, spec: Entry) -> list[Table]:
    done = [p for p in results["probes"] if p["spec"] == spec and p["result"]]
    names = dict.fromkeys(name for probe in done for name in _numbers(probe["result"]))
    return [_table_of(results, done, name, asked(spec, done)) for name in names]


def _table_of(results: Entry, done: Sequence[Entry], name: str, question: str) -> Table:
    """One number of a probe; models that don't have it show a dash."""
    models = _models(results)
    unit = next((unit for p in done if (unit := (p["result"].get("units") or {}).get(name))), None)
    table = narrow_table("length", title=f"Probe {question}: {name.replace('_', ' ')}" + (f" ({unit})" if unit else ""))
    for model in models:
        table.add_column(label(model, models), justify="right")
    for length in _lengths(done):
        numbers = {str(p["model"]): _numbers(p["result"]) for p in done if p["length"] == length}
        cells = {model: each[name] for model, each in numbers.items() if name in each}
        table.add_row(number(length), *_row(models, cells))
    return table


def _numbers(result: Entry) -> dict[str, Written]:
    """A probe's numbers by name, with their intervals: scalars, or what a curve comes to."""
    if result["kind"] == "scalars":
        return {
            name: with_interval(value, result["low"][name], result["high"][name])
            for name, value in result["values"].items()
        }
    return {each.name: with_interval(each.value, each.low, each.high) for each in curve_scores(result)}


def failures(results: Entry) -> list[Text]:
    """One line for each reason that runs failed for."""
    return [Text(_failure(failure), style="red") for failure in results.get("failures", [])]


def _failure(failure: Entry) -> str:
    runs = "1 run" if failure["count"] == 1 else f"{failure['count']} runs"
    reason = failure["reason"] or "failed"
    return f"{runs}: {reason} — {failure['detail']}" if failure["detail"] else f"{runs}: {reason}"


def asked(spec: Entry, done: Sequence[Entry]) -> str:
    """A probe in words: change at step 0 by 50 %."""
    if spec["kind"] == "change" and all("relevant_share" in each["result"]["values"] for each in done):
        return f"change step {spec['index']} to another token"
    if spec["kind"] == "change":
        return f"change step {spec['index']} by {spec['percent']:+g} %"
    return f"{spec['kind']} {', '.join(f'{k} {v}' for k, v in spec.items() if k.startswith('index'))}".strip()
