"""Families of parts, and what every spec of every family owes."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from memspan.interfaces.spec import PartSpec
from memspan.layers.stacked import Stacked
from memspan.models import AnyModel, model
from memspan.optimizers import AnyOptimizer, optimizer
from memspan.probes import AnyProbe, probe
from memspan.registry import Family, UnknownKind
from memspan.tasks import AnyTask, task

FAMILIES: dict[str, tuple[Family[Any], Any]] = {
    "task": (task, AnyTask), "model": (model, AnyModel), "optimizer": (optimizer, AnyOptimizer),
    "probe": (probe, AnyProbe),
}  # fmt: skip
SPECS = [(family, union, spec) for family, union in FAMILIES.values() for spec in family.specs()]
NEEDED: dict[str, dict[str, Any]] = {"series": {"dataset": "data-1", "target": "demand"}}
"""what has no default, by kind"""
each_family = pytest.mark.parametrize(("family", "union"), list(FAMILIES.values()), ids=list(FAMILIES))
each_spec = pytest.mark.parametrize(("family", "union", "spec"), SPECS, ids=lambda v: getattr(v, "__name__", ""))


def needed(spec: type[PartSpec]) -> dict[str, Any]:
    return NEEDED.get(spec.model_fields["kind"].default, {})


def made(spec: type[PartSpec], **more: Any) -> Any:
    """The part by its defaults, and what it needs."""
    return spec(**needed(spec), **more)


@each_spec
def test_the_json_schema_says_that_kind_is_required(family: Any, union: Any, spec: type[PartSpec]) -> None:
    schema = spec.model_json_schema()
    assert schema["required"][0] == "kind"
    assert schema["properties"]["kind"]["const"] == spec.model_fields["kind"].default
    assert schema["additionalProperties"] is False


@each_spec
def test_every_field_is_described(family: Any, union: Any, spec: type[PartSpec]) -> None:
    properties = spec.model_json_schema()["properties"]
    assert all(value.get("description") for name, value in properties.items() if name != "kind")


@each_spec
def test_a_spec_can_not_be_changed(family: Any, union: Any, spec: type[PartSpec]) -> None:
    part = made(spec)
    for name in spec.model_fields:
        with pytest.raises(ValidationError):
            setattr(part, name, getattr(part, name))
    assert hash(part) == hash(made(spec))


@each_spec
def test_an_unknown_field_is_refused(family: Any, union: Any, spec: type[PartSpec]) -> None:
    body = json.dumps({"kind": spec.model_fields["kind"].default, "colour": "red"})
    with pytest.raises(ValidationError, match="extra_forbidden"):
        TypeAdapter(union).validate_json(body, strict=True)


@each_spec
def test_defaults_survive_a_trip_through_strict_json(family: Any, union: Any, spec: type[PartSpec]) -> None:
    part = made(spec)
    back = TypeAdapter(union).validate_json(part.model_dump_json(), strict=True)
    assert back == part
    assert type(back) is spec
    assert TypeAdapter(union).validate_json(json.dumps({"kind": part.kind, **needed(spec)}), strict=True) == part


@each_spec
def test_the_default_of_each_field_is_allowed_by_its_own_schema(family: Any, union: Any, spec: type[PartSpec]) -> None:
    spec.model_validate(made(spec).model_dump())


@each_spec
def test_the_catalogue_has_words_for_it(family: Family[Any], union: Any, spec: type[PartSpec]) -> None:
    entry = family.entry(spec.model_fields["kind"].default)
    assert entry.title.strip()
    assert entry.reference.strip()
    assert entry.summary.endswith(".")
    assert "\n" not in entry.summary + entry.title
    json.dumps(entry.schema)


@each_spec
def test_content_leaves_defaults_out_and_keeps_the_rest(family: Any, union: Any, spec: type[PartSpec]) -> None:
    """But the units of recurrent models, of which one was the default when the first seeds were made."""
    kind = spec.model_fields["kind"].default
    bare = {"kind": kind, **needed(spec)} | ({"hidden_size": 16} if issubclass(spec, Stacked) else {})
    assert made(spec).content() == bare
    given_in_words = TypeAdapter(union).validate_json(made(spec).model_dump_json(), strict=True)
    assert given_in_words.content() == bare
    for name, field in spec.model_fields.items():
        if isinstance(field.default, float):
            changed = made(spec).model_copy(update={name: field.default + 0.125})
            assert changed.content() == {**bare, name: field.default + 0.125}


@each_family
def test_kinds_are_sorted_and_each_has_its_spec_and_verb(family: Family[Any], union: Any) -> None:
    assert list(family.kinds()) == sorted(set(family.kinds()))
    for kind, spec in zip(family.kinds(), family.specs(), strict=True):
        assert family.spec(kind) is spec
        assert callable(family.verb(made(spec)))
    assert [entry.kind for entry in family.catalogue()] == list(family.kinds())


@each_spec
def test_a_part_lies_in_the_file_or_folder_that_bears_its_name(
    family: Family[Any], union: Any, spec: type[PartSpec]
) -> None:
    kind, package = spec.model_fields["kind"].default, f"memspan.{family.name}s"
    assert spec.__module__ == family.verb(made(spec)).__module__ == f"{package}.{kind}"


@each_family
def test_all_that_lies_in_a_family_s_folder_is_a_part(family: Family[Any], union: Any) -> None:
    folder = importlib.import_module(f"memspan.{family.name}s").__path__
    assert sorted(info.name for info in pkgutil.iter_modules(folder)) == list(family.kinds())


@each_family
def test_an_unknown_kind_is_named_together_with_the_known_ones(family: Family[Any], union: Any) -> None:
    with pytest.raises(UnknownKind, match=r"There is no \w+ of kind 'telepathy'\. Known kinds: \w+"):
        family.entry("telepathy")


@each_family
def test_a_body_without_a_kind_is_refused(family: Family[Any], union: Any) -> None:
    with pytest.raises(ValidationError, match="union_tag_not_found"):
        TypeAdapter(union).validate_json("{}", strict=True)


class Grape(PartSpec):
    """A grape."""

    title: ClassVar[str] = "Grape"
    reference: ClassVar[str] = "Pliny"
    kind: Literal["grape"] = "grape"


def test_two_files_may_not_claim_one_kind() -> None:
    family: Family[Grape] = Family("fruit", "none")
    family(Grape)(lambda spec: spec)
    with pytest.raises(ValueError, match="Two fruit files claim the kind 'grape'"):
        family(Grape)


def test_a_folder_is_one_part_and_what_serves_it_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "orchard" / "plum").mkdir(parents=True)
    for name in ("__init__.py", "plum/__init__.py", "plum/stone.py", "pear.py"):
        (tmp_path / "orchard" / name).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    family: Family[Grape] = Family("fruit", "orchard")
    family.discover([str(tmp_path / "orchard")])
    assert {name for name in sys.modules if name.startswith("orchard.")} == {"orchard.pear", "orchard.plum"}


def test_a_family_of_one_is_a_union_too() -> None:
    family: Family[Grape] = Family("fruit", "none")
    verb = family(Grape)(lambda spec: "squeezed")
    assert family.verb(Grape()) is verb
    assert TypeAdapter(family.union()).validate_json('{"kind": "grape"}', strict=True) == Grape()


def test_a_family_without_parts_says_that_none_is_known() -> None:
    assert str(UnknownKind("study", "latch", [])) == "There is no study of kind 'latch'. None is known yet."
