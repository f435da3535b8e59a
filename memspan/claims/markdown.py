"""A study's tables in Markdown: what its pages in docs/ show, printed from its documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from memspan.claims.standings import standings, tells
from memspan.statistics.notation import number, share, span_with_interval, with_interval

Document = Mapping[str, Any]
BOUNDS = {"at_least": "≥", "at_most": "≤"}


def markdown(study: Document, results: Mapping[str, Document]) -> str:
    """All tables of a study.

    Args:
        study: its document, as ``GET /studies/{kind}`` answers.
        results: of each of its experiments by name, as ``GET /results/{id}`` answers.
    """
    parts = [claims(study["claims"])]
    parts += [standing(name, found) for name, found in results.items() if tells(found)]
    parts += [table for name, found in results.items() for table in experiment(name, found)]
    return "\n".join(parts)


def claims(judged: Sequence[Document]) -> str:
    """What was claimed, what was measured, and the verdict."""
    rows = (
        [
            " ".join([claim["text"], f"*{_measured(claim)}*", *map(amendment, claim["amended"])]),
            str(with_interval(claim["measured"], claim["low"], claim["high"])),
            number(claim["n"]),
            f"{BOUNDS[claim['direction']]} {number(claim['threshold'])}",
            f"**{claim['verdict']}**" + (f": {claim['reason']}" if claim["reason"] else ""),
        ]
        for claim in judged
    )
    return _table("Claims", ["claim", "measured (95 % interval)", "n", "threshold", "verdict"], rows)


def _measured(claim: Document) -> str:
    """What is measured, and after which training."""
    return ", ".join(part for part in (claim["metric"].rstrip("."), _budgets(claim)) if part)


def _budgets(claim: Document) -> str:
    from memspan.figures.training_words import after  # charts take a second to import; workers never draw

    return after({"budget": each} for each in claim["budgets"])


def amendment(change: Document) -> str:
    """What a claim said at first, and why that was changed."""
    return f"**Amended {change['date']}:** the {change['field']} was “{change['before']}”. {change['reason']}"


def standing(name: str, results: Document) -> str:
    """One row a model: its accuracy on each task and over all, and its rank."""
    return _table(_trained(f"{name}: standings, accuracy (95 % interval)", results), *standings(results))


def experiment(name: str, results: Document) -> Iterator[str]:
    """The tables of one experiment: conditions, and memory spans, tuned settings and probes where there are some."""
    yield conditions(name, results)
    if results["spans"]:
        yield spans(name, results)
    if results.get("tuning"):
        yield tuning(name, results)
    if any(entry.get("by_lag") for entry in results["conditions"]):
        yield by_lag(name, results)
    if any((probe["result"] or {}).get("kind") == "scalars" for probe in results["probes"]):
        yield probes(name, results)
    yield from scores(name, results)


def conditions(name: str, results: Document) -> str:
    """One row a condition: its score over repeats, how many of them solved the task, its size."""
    where = _Places(results)
    heads = ["metric", "mean (95 % interval)", "median", "solved", "repeats", "diverged", "training", "parameters"]
    rows = (
        [*where.cells(entry), *_score(entry), *_success(entry), _ended(entry), number(entry["parameters"])]
        for entry in results["conditions"]
    )
    return _table(_trained(f"{name}: conditions", results), [*where.heads, *heads], rows)


def _trained(title: str, results: Document) -> str:
    """A title with what the numbers under it were trained by."""
    from memspan.figures.training_words import after  # charts take a second to import; workers never draw

    budget = after(results["conditions"])
    return f"{title}, {budget}" if budget else title


def _ended(entry: Document) -> str:
    """Whether training had come to its end."""
    from memspan.figures.training_words import convergence_word, runs_words

    return runs_words(entry) or convergence_word(entry)


def _score(entry: Document) -> list[str]:
    found = entry["metrics"].get(entry["metric"], {})
    mean = with_interval(found.get("mean"), found.get("low"), found.get("high"))
    return [entry["metric"].replace("_", " "), str(mean), number(found.get("median"))]


def _success(entry: Document) -> list[str]:
    success, runs = entry["success"], entry["runs"]
    rate = share(success["rate"], success["low"], success["high"])
    return [str(rate), number(runs["succeeded"]), number(runs["diverged"])]


def spans(name: str, results: Document) -> str:
    """One row for each task and model: the length that half of its repeats solve."""
    from memspan.figures.number_axis import in_order, number_axis  # charts take a second to import

    where, found = _Places(results, lengths=False), results["spans"]
    axis = number_axis(found)
    rows = (
        [
            *where.cells(entry),
            *([axis.words(entry)] if axis else []),
            str(span_with_interval(entry)),
            number(entry["longest_solved"]),
            _ended(entry),
        ]
        for entry in (in_order(found, axis) if axis else found)
    )
    told = [axis.title.lower()] if axis else []
    heads = [*where.heads, *told, "span (95 % interval)", "longest solved", "training"]
    return _table(_trained(f"{name}: memory spans (steps)", results), heads, rows)


def tuning(name: str, results: Document) -> str:
    """One row for each choice of a setting: what was chosen, and at which rates at least half of the runs are good."""
    from memspan.figures.tuning_words import chosen_loss, chosen_words, window_words

    where = _Places(results)
    rows = (
        [
            *where.cells(entry),
            chosen_words(entry),
            str(chosen_loss(entry)),
            window_words(entry),
            number(entry["repeats"]),
        ]
        for entry in results["tuning"]
    )
    heads = [*where.heads, "chosen", "validation loss (95 % interval)", "rates that work", "repeats of each"]
    return _table(f"{name}: tuned settings, by runs that enter nothing else", heads, rows)


def by_lag(name: str, results: Document) -> str:
    """One row for each condition and bin of lags: accuracy over repeats, and the most that a window allows."""
    where = _Places(results)
    rows = (
        [*where.cells(entry), lags, str(with_interval(*numbers)), number(bound), number(found["asked"][place])]
        for entry in results["conditions"]
        if (found := entry.get("by_lag"))
        for place in range(len(found["lag"]))
        for *numbers, bound in [[found[key] and found[key][place] for key in ("accuracy", "low", "high", "bound")]]
        for first, last in [(found["first"][place], found["last"][place])]
        for lags in [str(first) if first == last else f"{first} to {last}"]
    )
    heads = [*where.heads, "lag (steps)", "accuracy (95 % interval)", "at most", "answers"]
    return _table(_trained(f"{name}: accuracy by lag", results), heads, rows)


def probes(name: str, results: Document) -> str:
    """One row for each condition and number that a probe gave."""
    where, specs = _Places(results), [probe["spec"] for probe in results["probes"]]
    rows = (
        [*where.cells(probe), asked, str(with_interval(value, found["low"][key], found["high"][key])), unit]
        for probe in results["probes"]
        if (found := probe["result"] or {}).get("kind") == "scalars"
        for key, value in found["values"].items()
        for asked, unit in [(_asked(probe["spec"], specs, key), found["units"].get(key, ""))]
    )
    return _table(f"{name}: probes", [*where.heads, "probe", "mean (95 % interval)", "unit"], rows)


def scores(name: str, results: Document) -> Iterator[str]:
    """A table for each kind of probe whose curves or surfaces come to some numbers, one row for each of them."""
    where = _Places(results)
    scored = [probe for probe in results["probes"] if (probe["result"] or {}).get("scores")]
    for kind in dict.fromkeys(probe["kind"] for probe in scored):
        them = [probe for probe in scored if probe["kind"] == kind]
        heads = list(dict.fromkeys(head for probe in them for head in _values(probe["result"]["scores"])))
        rows = (
            [*where.cells(probe), _probe(probe["spec"], [each["spec"] for each in them]), *_found(probe, heads)]
            for probe in them
        )
        yield _table(f"{name}: {_words(kind)}", [*where.heads, "probe", *map(_words, heads)], rows)


def _values(found: Document) -> list[str]:
    """The names of scores, without the ends of their intervals."""
    ends = {f"{name}_{end}" for name in found for end in ("low", "high")}
    return [name for name in found if name not in ends]


def _found(probe: Document, names: Sequence[str]) -> Iterator[str]:
    """Scores in cells, each with its interval where it has one."""
    found = probe["result"]["scores"]
    for name in names:
        yield str(with_interval(found.get(name), *(found.get(f"{name}_{end}") for end in ("low", "high"))))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _asked(spec: Document, specs: Sequence[Document], quantity: str) -> str:
    """What a probe measured: with the steps that it asks about, and in what others of its kind differ from it."""
    return f"{_probe(spec, specs)}: {_words(quantity)}"


def _probe(spec: Document, specs: Sequence[Document]) -> str:
    """A probe with the steps that it asks about, and with the fields in which others of its kind differ from it."""
    alike = [other for other in specs if other["kind"] == spec["kind"]]
    told = [name for name in spec if name.startswith("index") or any(other.get(name) != spec[name] for other in alike)]
    fields = ", ".join(f"{name} {spec[name]}" for name in told)
    return _words(f"{spec['kind']} {fields}").strip()


class _Places:
    """Where an entry of results belongs, in cells; what all entries share has no column."""

    def __init__(self, results: Document, lengths: bool = True) -> None:
        placed = [*results["conditions"], *results.get("tuning", ())]
        self._models = _distinct(entry["model"] for entry in placed)
        self._tasks = _distinct(entry["task"] for entry in placed)
        self._lengths = lengths and any(entry["length"] is not None for entry in results["conditions"])

    @property
    def heads(self) -> list[str]:
        return [*(["task"] if len(self._tasks) > 1 else []), "model", *(["length"] if self._lengths else [])]

    def cells(self, entry: Document) -> list[str]:
        from memspan.figures.label import label  # charts take a second to import; workers never draw

        task = [label(entry["task"], self._tasks)] if len(self._tasks) > 1 else []
        return [*task, label(entry["model"], self._models), *([number(entry["length"])] if self._lengths else [])]


def _distinct(parts: Iterable[Document]) -> list[Document]:
    found: list[Document] = []
    for part in parts:
        if part not in found:
            found.append(part)
    return found


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table under its title."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join([f"**{title}**", "", *("| " + " | ".join(map(_cell, line)) + " |" for line in lines), ""])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
