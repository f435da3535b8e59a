"""As much of kustomize as our manifests use, so that they can be rendered where it isn't installed.

Resources, components, namespace, generated ConfigMaps and Secrets (without the hash in their names), replicas and
images. Anything else in a kustomization is an error here. Where ``kubectl`` is installed a test holds it against it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

KNOWN = {
    "apiVersion", "kind", "namespace", "resources", "components", "configMapGenerator", "secretGenerator", "replicas",
    "images",
}  # fmt: skip
WITHOUT_NAMESPACE = {"Namespace"}
Document = dict[str, Any]


def rendered(folder: Path, given: list[Document] | None = None) -> list[Document]:
    """The manifests of a kustomization; a component gets those that it adds to."""
    how = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert set(how) <= KNOWN, f"{folder}: {set(how) - KNOWN} is not rendered here"
    found = list(given or [])
    for name in how.get("resources", ()):
        path = folder / name
        found += rendered(path) if path.is_dir() else list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    for generator in how.get("configMapGenerator", ()):
        _config_map(found, generator)
    for generator in how.get("secretGenerator", ()):
        found.append(_secret(folder, generator))
    for name in how.get("components", ()):
        found = rendered(folder / name, found)
    for document in found:
        _placed(document, how.get("namespace"))
        _counted(document, how.get("replicas", ()))
        _from_registry(document, {image["name"]: image["newName"] for image in how.get("images", ())})
    return found


def containers(document: Document) -> list[Document]:
    """The containers of whatever makes pods."""
    template = document["spec"].get("template", {}) if "spec" in document else {}
    return list(template.get("spec", {}).get("containers", ()))


def _config_map(found: list[Document], generator: Document) -> None:
    data = dict(literal.split("=", 1) for literal in generator["literals"])
    if generator.get("behavior") == "merge":
        (old,) = [
            each for each in found if (each["kind"], each["metadata"]["name"]) == ("ConfigMap", generator["name"])
        ]
        old["data"] |= data
    else:
        metadata = {"name": generator["name"]}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _secret(folder: Path, generator: Document) -> Document:
    lines = [line for name in generator["envs"] for line in (folder / name).read_text(encoding="utf-8").splitlines()]
    data = {
        name: base64.b64encode(value.encode()).decode() for name, _, value in (line.partition("=") for line in lines)
    }
    metadata = {"name": generator["name"]}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}


def _placed(document: Document, namespace: str | None) -> None:
    if namespace and document["kind"] not in WITHOUT_NAMESPACE:
        document["metadata"]["namespace"] = namespace


def _counted(document: Document, replicas: Any) -> None:
    for each in replicas:
        if document["kind"] in ("Deployment", "StatefulSet") and document["metadata"]["name"] == each["name"]:
            document["spec"]["replicas"] = each["count"]


def _from_registry(document: Document, names: Mapping[str, str]) -> None:
    for container in containers(document):
        name, _, tag = container["image"].rpartition(":")
        container["image"] = f"{names.get(name, name)}:{tag}"
