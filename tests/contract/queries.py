"""PromQL queries: what a query asks for, read from its syntax tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import promql_parser
from prometheus_client import Metric

ADDED = frozenset({"job", "instance"})
"""labels that Prometheus itself adds to what it scrapes"""


@dataclass
class Query:
    """What one query asks for.

    Attributes:
        asked: label matchers (name, operation, value) by the name of a sample, in the order of the query.
        grouped: labels that aggregations keep or drop.
    """

    text: str
    asked: list[tuple[str, list[tuple[str, Any, str]]]] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)


def parsed(text: str) -> Query:
    """A query, or a ValueError that says where it is none. Grafana's variables are replaced before."""
    query = Query(text)

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            matchers = [(each.name, each.op, each.value) for each in node.matchers.matchers]
            query.asked.append((node.name, matchers))
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            query.grouped.update(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(text.replace("$__rate_interval", "1m")), visit)
    return query


def faults(query: Query, told: Mapping[str, Metric]) -> list[str]:
    """What a query asks for that a service never tells: metrics, labels, and values of labels."""
    samples = {sample.name: [] for family in told.values() for sample in family.samples}  # type: ignore[var-annotated]
    for family in told.values():
        for sample in family.samples:
            samples[sample.name].append(sample.labels)
    found = [f"{name} is told by nobody" for name, _ in query.asked if name not in samples]
    known = {label for name, _ in query.asked for labels in samples.get(name, ()) for label in labels}
    found += [f"nothing in the query has the label {label}" for label in query.grouped - known - ADDED]
    for name, matchers in query.asked:
        for label, operation, value in matchers:
            values = {labels.get(label) for labels in samples.get(name, ())}
            if label not in ADDED and values <= {None}:
                found.append(f"{name} has no label {label}")
            elif label not in ADDED and operation == promql_parser.MatchOp.Equal and value not in values:
                found.append(f"{name} never has {label}={value!r}")
    return found
