"""The catalogue: every part that specs may name is listed, described, and accepted as its own schema says."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from memspan.interfaces.model import ModelSpec
from memspan.interfaces.spec import PartSpec
from memspan.models import model
from memspan.optimizers import optimizer
from memspan.probes import probe
from memspan.registry import Family
from memspan.studies import study
from memspan.tasks import task
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.latch import Latch
from memspan.tasks.setpoint import Setpoint
from tests.contract.problems import field_errors
from tests.contract.variants import named, variants

FAMILIES: dict[str, Family[Any]] = {
    "tasks": task, "models": model, "optimizers": optimizer, "probe-kinds": probe, "studies": study,
}  # fmt: skip
PARTS = [(path, spec) for path, family in FAMILIES.items() for spec in family.specs()]
SPECS = [(path, variant) for path, spec in PARTS for variant in variants(spec)]
LENGTH = 8
SMALL = {"train_size": 32, "validation_size": 16, "test_size": 16, "epochs": 1}

each_family = pytest.mark.parametrize("path", FAMILIES)
each_part = pytest.mark.parametrize(("path", "part"), PARTS, ids=lambda value: getattr(value, "__name__", str(value)))
each_spec = pytest.mark.parametrize(
    ("path", "spec"), SPECS, ids=lambda value: value if isinstance(value, str) else named(value)
)


def schema_of(client: TestClient, path: str, kind: str) -> dict[str, Any]:
    return dict(client.get(f"/{path}/{kind}").json()["schema"])


@each_family
def test_a_list_holds_every_kind_with_the_agreed_fields(client: TestClient, path: str) -> None:
    items = client.get(f"/{path}").json()["items"]
    assert [item["kind"] for item in items] == list(FAMILIES[path].kinds())
    for item in items:
        assert set(item) >= {"kind", "title", "summary", "reference", "schema"}
        assert all(item[name].strip() for name in ("title", "summary", "reference"))


@each_part
def test_one_kind_is_told_as_in_the_list(client: TestClient, path: str, part: type[PartSpec]) -> None:
    kind = part.model_fields["kind"].default
    listed = {item["kind"]: item for item in client.get(f"/{path}").json()["items"]}
    told = client.get(f"/{path}/{kind}").json()
    assert {name: told[name] for name in listed[kind]} == listed[kind]


@each_part
def test_a_schema_is_one_and_asks_for_the_kind(client: TestClient, path: str, part: type[PartSpec]) -> None:
    kind = part.model_fields["kind"].default
    schema = schema_of(client, path, kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "kind" in schema["required"]
    validator = jsonschema.Draft202012Validator(schema)
    asked = dict.fromkeys(schema["required"], "some") | {"kind": kind}
    assert validator.is_valid(asked)
    assert not validator.is_valid({})
    assert not validator.is_valid({**asked, "kind": "nope"})
    assert not validator.is_valid({**asked, "foo": 1})


@each_part
def test_every_field_is_described(client: TestClient, path: str, part: type[PartSpec]) -> None:
    fields = schema_of(client, path, part.model_fields["kind"].default)["properties"]
    bare = [name for name, field in fields.items() if name != "kind" and not field.get("description")]
    assert not bare


@each_spec
def test_a_schema_accepts_its_own_parts(client: TestClient, path: str, spec: PartSpec) -> None:
    schema = schema_of(client, path, spec.kind)
    jsonschema.validate(spec.model_dump(mode="json"), schema, jsonschema.Draft202012Validator)
    jsonschema.validate(spec.content(), schema, jsonschema.Draft202012Validator)


TASKS = (Latch(), Setpoint(), BinaryAddition(answer="sum_and_carry"))
"""one of them suits every model"""


@pytest.mark.parametrize("spec", [spec for path, spec in SPECS if path == "models"], ids=named)
def test_every_model_can_be_planned(client: TestClient, spec: ModelSpec) -> None:
    task = next(each for each in TASKS if spec.objection(each.signature(LENGTH)) is None)
    body = {"tasks": [task.model_dump(mode="json")], "models": [spec.model_dump(mode="json")], "lengths": [LENGTH]}
    answer = client.post("/experiments?dry_run=true", json={**body, "training": SMALL})
    assert answer.status_code == 200, answer.text
    assert answer.json()["spec"]["models"] == [spec.model_dump(mode="json")]


@pytest.mark.parametrize("spec", [spec for path, spec in SPECS if path == "tasks"], ids=named)
def test_every_task_can_be_planned(client: TestClient, spec: Any) -> None:
    lengths = {"lengths": [max(LENGTH, spec.minimum_length)]} if spec.has_length else {}
    body = {"tasks": [spec.model_dump(mode="json")], "models": [{"kind": "rnn"}], **lengths}
    answer = client.post("/experiments?dry_run=true", json={**body, "training": SMALL})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("spec", [spec for path, spec in SPECS if path == "tasks"], ids=named)
def test_every_task_shows_samples_that_follow_from_the_seed(client: TestClient, spec: Any) -> None:
    fields = {name: value for name, value in spec.model_dump(mode="json").items() if name != "kind"}
    body = {"task": fields, "length": max(LENGTH, spec.minimum_length), "count": 2, "seed": 5}
    first = client.post(f"/tasks/{spec.kind}/samples", json=body)
    assert first.status_code == 200, first.text
    samples = first.json()
    assert samples["shape"] == [2, samples["length"], len(samples["inputs"][0][0])]
    assert (len(samples["inputs"]), len(samples["inputs"][0])) == (2, samples["length"])
    assert len(samples["targets"]) == 2
    assert all(0 <= step < samples["length"] for step in samples["relevant_steps"])
    assert client.post(f"/tasks/{spec.kind}/samples", json=body).json() == samples
    other = client.post(f"/tasks/{spec.kind}/samples", json={**body, "seed": 6}).json()
    assert other["inputs"] != samples["inputs"]


@pytest.mark.parametrize("spec", [spec for path, spec in SPECS if path == "tasks"], ids=named)
def test_too_short_sequences_are_refused(client: TestClient, spec: Any) -> None:
    if spec.has_length and spec.minimum_length > 1:
        answer = client.post(f"/tasks/{spec.kind}/samples", json={"length": spec.minimum_length - 1})
        assert field_errors(answer) == {"#/length": "out_of_range"}
