"""Alerts and the dashboard: they ask for what a service that has really worked tells, and each alert has a runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import promql_parser
import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ByteSize, TypeAdapter

from service.operations import counting, health
from service.queue.redis_bell import RedisBell
from service.queue_names import Queue
from tests.contract.queries import faults, parsed
from tests.contract.stage import LATCH, Stage, staged
from tests.waiting import until
from workers.beat import Beat
from workers.identity import identify

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "monitoring"
GROUPS = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
ALERTS: dict[str, Any] = {rule["alert"]: rule for group in GROUPS["groups"] for rule in group["rules"]}
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
PANELS: dict[str, Any] = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
GRID_COLUMNS = 24
NOT_SHOWN = {
    "memspan_build_info",
    "process_virtual_memory_bytes",
    "process_start_time_seconds",
}
"""told, and on no panel of the dashboard"""

RULES = {
    "type": "object",
    "required": ["groups"],
    "additionalProperties": False,
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "rules"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "pattern": "^memspan-[a-z]+$"},
                    "rules": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["alert", "expr", "labels", "annotations"],
                            "additionalProperties": False,
                            "properties": {
                                "alert": {"type": "string", "pattern": "^Memspan[A-Z][A-Za-z]+$"},
                                "expr": {"type": "string"},
                                "for": {"type": "string"},
                                "labels": {
                                    "type": "object",
                                    "required": ["severity"],
                                    "additionalProperties": False,
                                    "properties": {"severity": {"enum": ["page", "ticket"]}},
                                },
                                "annotations": {
                                    "type": "object",
                                    "required": ["summary", "description", "runbook_url"],
                                    "additionalProperties": {"type": "string", "minLength": 1},
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
"""rule files as Prometheus reads them (its own reader refuses unknown fields, too), and what ours have besides"""


@contextmanager
def beating(stage: Stage) -> Iterator[None]:
    """A worker that beats, and has beaten."""
    beat = Beat(stage.context, identify((Queue.CPU,), 2**34))
    beat.start()
    until(lambda: health.known_workers(stage.context)[0].memory_bytes, 20, "a beat")
    yield
    beat.end()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Metric]]:
    """All that a service tells after real work, with a broker that is away."""
    with staged(tmp_path_factory.mktemp("monitoring"), lease_seconds=1) as stage, beating(stage):
        done = stage.finish(LATCH)
        run = stage.client.get(f"/experiments/{done['id']}/runs?limit=1").json()["items"][0]["id"]
        checkpoint = stage.client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
        for _ in range(2):
            stage.client.post(f"/checkpoints/{checkpoint}/predictions", json={"inputs": [[1.0, 0.0]]})
        counting.hand_in(stage.context, "worker")
        stage.app.state.context = replace(stage.context, bell=RedisBell("redis://127.0.0.1:1/0"))
        text = stage.client.get("/metrics").text
        yield {family.name: family for family in text_string_to_metric_families(text)}


def test_the_rules_are_a_file_that_prometheus_reads() -> None:
    jsonschema.validate(GROUPS, RULES)
    assert len(ALERTS) == sum(len(group["rules"]) for group in GROUPS["groups"]), "two alerts have one name"
    for rule in ALERTS.values():
        assert promql_parser.parse_duration(rule.get("for", "1m")).total_seconds() <= 3600


def test_the_alert_of_the_apis_memory_fires_before_its_container_is_killed() -> None:
    (bytes_,) = re.findall(r"> ([0-9.e]+)$", ALERTS["MemspanApiMemory"]["expr"])
    stack = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    (composed,) = re.findall(r"\$\{API_MEMORY:-([^}]+)\}", stack)
    documents = yaml.safe_load_all((ROOT / "deploy/kubernetes/base/api.yaml").read_text(encoding="utf-8"))
    (container,) = next(documents)["spec"]["template"]["spec"]["containers"]
    for limit in (composed, container["resources"]["limits"]["memory"]):
        limit_bytes = TypeAdapter(ByteSize).validate_python(re.sub(r"(?i)gi?$", "GiB", limit))
        assert 600e6 < float(bytes_) <= 0.8 * limit_bytes, limit


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_asks_for_what_is_told(alert: str, told: Mapping[str, Metric]) -> None:
    query = parsed(ALERTS[alert]["expr"])
    assert query.asked
    assert faults(query, told) == []


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_compares_with_a_threshold(alert: str) -> None:
    """An expression without a comparison would fire as long as there is any value at all."""
    tree = promql_parser.parse(ALERTS[alert]["expr"])
    assert isinstance(tree, promql_parser.BinaryExpr)
    assert str(tree.op) in (">", "<", "==", "and")


@pytest.mark.parametrize("alert", ALERTS)
def test_the_words_of_an_alert_name_labels_that_it_has(alert: str) -> None:
    query = parsed(ALERTS[alert]["expr"])
    for text in ALERTS[alert]["annotations"].values():
        assert text.count("{{") == text.count("}}") == len(re.findall(r"\{\{ \$(?:value|labels)\b[^{}]* \}\}", text))
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= query.grouped


def test_each_alert_has_a_runbook_entry_and_each_entry_an_alert() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    runbook = page[page.index("## Runbook") :]
    entries = re.findall(r"^### (\w+)$", runbook, re.MULTILINE)
    assert entries == list(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
    bodies = re.split(r"^### \w+$", runbook, flags=re.MULTILINE)[1:]
    assert all(len(body.split()) >= 25 for body in bodies), "an entry that says nothing"


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_what_is_told_and_names_labels_that_it_has(panel: str, told: Mapping[str, Metric]) -> None:
    for target in PANELS[panel]["targets"]:
        query = parsed(target["expr"])
        assert query.asked
        assert faults(query, told) == []
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= query.grouped | {"instance", "job"}


def test_the_dashboard_is_one_that_grafana_opens() -> None:
    assert DASHBOARD["schemaVersion"] >= 39
    assert {"uid", "title", "panels", "templating", "time", "refresh"} <= DASHBOARD.keys()
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    every = DASHBOARD["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    assert len(PANELS) == sum(panel["type"] != "row" for panel in every), "two panels have one title"
    for panel in PANELS.values():
        assert panel["type"] in ("timeseries", "stat")
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references) > 0
        for thing in (panel, *panel["targets"]):
            assert thing["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_panels_lie_side_by_side_within_the_grid() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= GRID_COLUMNS for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_all_that_is_told_is_shown(told: Mapping[str, Metric]) -> None:
    asked = {
        name for panel in PANELS.values() for target in panel["targets"] for name, _ in parsed(target["expr"]).asked
    }
    shown = {name for name, family in told.items() if {sample.name for sample in family.samples} & asked}
    assert set(told) - shown == NOT_SHOWN


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("memspan_moons > 1", "memspan_moons is told by nobody"),
        ("sum by (moon) (memspan_workers) > 1", "nothing in the query has the label moon"),
        ('memspan_workers{state="asleep"} > 1', "memspan_workers never has state='asleep'"),
        ('memspan_workers{queue="cpu"} > 1', "memspan_workers has no label queue"),
        ("memspan_runs_ended > 1", "memspan_runs_ended is told by nobody"),
    ],
)
def test_a_query_that_can_never_be_answered_is_found_out(text: str, fault: str, told: Mapping[str, Metric]) -> None:
    assert faults(parsed(text), told) == [fault]


def test_what_is_no_query_is_found_out() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        parsed("sum(rate(memspan_workers[5m])")


def test_prometheus_is_told_where_alerts_lie_and_whom_to_ask() -> None:
    told = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))
    assert all((FOLDER / name).is_file() for name in told["rule_files"])
    (job,) = told["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("memspan", "/metrics")
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert {target.split(":")[0] for each in job["static_configs"] for target in each["targets"]} <= services.keys()
