"""Tables: results as rows that a notebook shows and a data frame takes."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from memspan.engine.condition import Condition
from memspan.experiment.grid import conditions
from memspan.experiment.learning import Histories, learning_curves
from memspan.experiment.run_row import RunRow
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.json_numbers import jsonable
from memspan.statistics.notation import number

PROBE_COLUMNS = ("task", "model", "length", "probe", "name", "value", "low", "high", "n")


class Table(Sequence[dict[str, Any]]):
    """Rows with the same columns; ``pandas.DataFrame(table)`` works as it is."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self._rows = tuple(rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for row in self._rows for name in row))

    def _cells(self) -> list[list[str]]:
        return [[_shown(row.get(name)) for name in self.columns] for row in self._rows]

    def __repr__(self) -> str:
        lines = [list(self.columns), *self._cells()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self._cells()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _shown(value: Any) -> str:
    return number(value) if value is None or isinstance(value, float) else str(value)


def _trained(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a result was trained by, and whether it had come to its end."""
    keys = ("optimizer", "learning_rate", "steps", "sequences", "epochs")
    return {**{key: entry["budget"][key] for key in keys}, "convergence": entry["convergence"]["state"]}


@dataclass(frozen=True)
class Results:
    """The results of an experiment as tables; ``document`` is the same as the service's JSON.

    Attributes:
        epochs: (position of a condition in the grid, repeat) -> metrics of the run by name, a value for each epoch.
    """

    spec: ExperimentSpec
    document: Mapping[str, Any]
    rows: tuple[RunRow, ...]
    epochs: Histories = field(default_factory=dict)

    @cached_property
    def conditions(self) -> Table:
        """One row a condition: score with interval, success rate with interval, sizes."""
        return Table([self._condition(entry) for entry in self.document["conditions"]])

    def _condition(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        score = entry["metrics"].get(entry["metric"], {})
        return {
            **self._place(entry),
            "length": entry["length"],
            "metric": entry["metric"],
            **{key: score.get(key) for key in ("mean", "low", "high", "median", "n")},
            "success": entry["success"]["rate"],
            "success_low": entry["success"]["low"],
            "success_high": entry["success"]["high"],
            "diverged": entry["runs"]["diverged"],
            "parameters": entry["parameters"],
            "steps_to_solve": (entry["steps_to_solve"] or {}).get("median"),
            **_trained(entry),
        }

    def _place(self, entry: Mapping[str, Any]) -> dict[str, str]:
        from memspan.figures.label import label  # charts take a second to import; workers never draw

        models = [model.model_dump(mode="json") for model in self.spec.models]
        return {"task": entry["task"]["kind"], "model": label(entry["model"], models)}

    @cached_property
    def spans(self) -> Table:
        """One row for each task and model: its memory span in steps."""
        return Table([self._span(entry) for entry in self.document["spans"]])

    def _span(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The ends of an interval that lie beyond the tested lengths are open: 0 and infinite."""
        above, below = (entry["censored"] == side for side in ("above", "below"))
        return {
            **self._place(entry),
            "written": entry["written"],
            "span": entry["span"],
            "low": 0.0 if below and entry["low"] is not None else entry["low"],
            "high": math.inf if above and entry["high"] is not None else entry["high"],
            "longest_solved": entry["longest_solved"],
            "censored": entry["censored"],
            **_trained(entry),
        }

    @cached_property
    def by_lag(self) -> Table:
        """One row for each condition and bin of lags: accuracy with its interval over runs; of token tasks."""
        return Table([row for entry in self.document["conditions"] for row in self._by_lag(entry)])

    def _by_lag(self, entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        found = entry["by_lag"]
        for place, first in enumerate(found["first"] if found else ()):
            yield {
                **self._place(entry),
                "length": entry["length"],
                "first_lag": first,
                "last_lag": found["last"][place],
                **{name: found[name] and found[name][place] for name in ("accuracy", "low", "high", "asked", "bound")},
                "n": found["n"],
            }

    @cached_property
    def searches(self) -> Table:
        """One row for each task and model of a length search: its rounds, lengths and runs."""
        keys = ("rounds", "lengths", "runs", "most_runs")
        return Table([{**self._place(e), **{key: e[key] for key in keys}} for e in self.document["searches"]])

    @cached_property
    def tuning(self) -> Table:
        """One row for each setting that was tried: what it validated, and whether it was chosen."""
        return Table([row for entry in self.document["tuning"] for row in self._tried(entry)])

    def _tried(self, entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        names = tuple(self.spec.training.tuned)
        for score in entry["scores"]:
            numbers = {name: score[name] for name in names}
            measured = {key: score[key] for key in ("median", "low", "high", "n", "diverged", "good")}
            place = {**self._place(entry), "length": entry["length"]}
            yield {**place, **numbers, **measured, "chosen": numbers == entry["setting"]}

    @cached_property
    def probes(self) -> Table:
        """One row for each value of each probe and condition."""
        return Table([row for entry in self.document["probes"] for row in self._probe(entry)])

    def _probe(self, entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        result = entry["result"]
        where = {**self._place(entry), "length": entry["length"], "probe": entry["kind"], **self._asked(entry)}
        for name in result.get("values", {}):
            values = {"value": result["values"][name], "low": result["low"][name], "high": result["high"][name]}
            yield {**where, "name": name, **values, "n": result["n"]}

    def _asked(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Of a probe's fields those that name a time step or differ from their defaults, in the spec's order.

        A field named as a column of the answer is told from it: ``low`` of a blinding is ``blinding_low``.
        """
        spec = next(each for each in self.spec.probes if each.model_dump(mode="json") == entry["spec"])
        shown = (spec.content() | spec.indices()).keys() - {"kind"}
        return {
            f"{spec.kind}_{name}" if name in PROBE_COLUMNS else name: value
            for name, value in entry["spec"].items()
            if name in shown
        }

    @cached_property
    def runs(self) -> Table:
        """One row a run with its final metrics."""
        places = [self._named(condition) for condition in self._grid]
        return Table(
            [
                {
                    **places[row.condition],
                    **self._purpose(row),
                    "repeat": row.repeat,
                    "diverged_at": row.diverged_at,
                    **row.metrics,
                }
                for row in self.rows
            ]
        )

    @cached_property
    def _grid(self) -> tuple[Condition, ...]:
        return conditions(self.spec)

    def _purpose(self, row: RunRow) -> dict[str, Any]:
        """What a run is for and by which setting, where something is tuned."""
        if not self.spec.training.tuned:
            return {}
        condition = self._grid[row.condition]
        numbers = condition.training.numbers
        return {"purpose": condition.purpose, **{name: numbers[name] for name in self.spec.training.tuned}}

    def _named(self, condition: Condition) -> dict[str, Any]:
        entry = {"task": condition.task.model_dump(mode="json"), "model": condition.model.model_dump(mode="json")}
        return {**self._place(entry), "length": condition.length}

    def figure(self, name: str) -> Any:
        """A chart of the results, e.g. ``score``, ``success`` or ``span``; a notebook shows it."""
        from memspan.figures.catalogue import draw

        # Curves are made where they are drawn: no table shows them.
        learning = learning_curves(self.spec, self.epochs) if name == "learning" else []
        return draw(name, jsonable({**self.document, "learning": learning}))

    def __repr__(self) -> str:
        return "\n\n".join(repr(table) for table in self._shown() if len(table))

    def _repr_html_(self) -> str:
        return "".join(table._repr_html_() for table in self._shown() if len(table))

    def _shown(self) -> tuple[Table, ...]:
        return self.conditions, self.spans, self.by_lag, self.searches, self.tuning, self.probes
