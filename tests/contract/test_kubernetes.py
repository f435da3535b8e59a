"""The manifests for Kubernetes: each overlay renders, is valid by the schemas, and keeps what the stack promises."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject

from deploy.passwords import provide
from memspan.engine.placement import place
from memspan.experiment.grid import conditions
from memspan.experiment.run import parse
from service.operations import exposition
from service.preparation import prepared, require_guard
from service.queue_names import Queue
from service.settings import PREFIX, Settings
from tests.kustomize import Document, containers, rendered

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "deploy/kubernetes"
OVERLAYS = ("gpu", "lab", "laptop")
VERSIONS = ("1.30", "1.37")
"""the oldest that knows all that is used (sleeping before a stop), and the newest with a schema"""
PODS = ("Deployment", "StatefulSet", "Job")
HASH = re.compile(r"\b(memspan(?:-passwords)?)-[2-9a-z]{10}\b")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifests, with passwords as `make kubernetes-secrets` makes them."""
    path = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    shutil.copytree(MANIFESTS, path, ignore=shutil.ignore_patterns("secrets.env"))
    for overlay in ("lab", "laptop"):
        provide(path / "overlays" / overlay / "secrets.env", ["POSTGRES_PASSWORD", "REDIS_PASSWORD"])
    return path


@pytest.fixture(params=OVERLAYS)
def documents(request: pytest.FixtureRequest, folder: Path) -> list[Document]:
    return rendered(folder / "overlays" / request.param)


def of_kind(documents: list[Document], *kinds: str) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in documents if each["kind"] in kinds}


def strict(schema: Any) -> Any:
    """A JSON Schema that refuses fields it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return closed | {key: strict(value) for key, value in schema.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid_by_the_schemas_of_kubernetes(documents: list[Document], version: str) -> None:
    for document in documents:
        if document["apiVersion"] != ScaledObject.model_fields["api_version"].default:
            kubernetes_validate.validate(document, version, strict=True)


def test_every_scaled_object_is_valid_by_kedas_schema(folder: Path) -> None:
    schema = strict(ScaledObject.model_json_schema())
    found = of_kind(rendered(folder / "overlays/gpu"), "ScaledObject")
    assert set(found) == {"worker-cpu", "worker-probe", "worker-gpu"}
    for document in found.values():
        jsonschema.validate(document, schema)
    wrong = found["worker-cpu"] | {"spec": found["worker-cpu"]["spec"] | {"minReplicas": 1}}
    with pytest.raises(jsonschema.ValidationError, match="minReplicas"):
        jsonschema.validate(wrong, schema)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubectl_renders_the_same(folder: Path, overlay: str) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("there is no kubectl on this machine")
    command = ["kubectl", "kustomize", str(folder / "overlays" / overlay)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = list(yaml.safe_load_all(HASH.sub(r"\1", said)))
    ours = rendered(folder / "overlays" / overlay)

    def key(each: Document) -> tuple[str, str]:
        return each["kind"], each["metadata"]["name"]

    assert sorted(ours, key=key) == sorted(theirs, key=key)


def test_no_pod_writes_to_its_image_gains_rights_or_knows_the_cluster(documents: list[Document]) -> None:
    pods = of_kind(documents, *PODS)
    assert {"api", "worker-cpu", "worker-probe", "migrate"} <= set(pods)
    for document in pods.values():
        pod = document["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]
    assert of_kind(documents, "Namespace")["memspan"]["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted"
    }


def test_whatever_is_selected_is_there(documents: list[Document]) -> None:
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in of_kind(documents, *PODS).values()]

    def selects(selector: dict[str, str]) -> bool:
        return any(selector.items() <= each.items() for each in labels)

    for document in of_kind(documents, "Deployment", "StatefulSet", "PodDisruptionBudget").values():
        assert selects(document["spec"]["selector"]["matchLabels"]), document
    for document in of_kind(documents, "Service").values():
        assert selects(document["spec"]["selector"]), document
    for document in of_kind(documents, "NetworkPolicy").values():
        assert selects(document["spec"]["podSelector"].get("matchLabels", {})), document


def test_every_lasting_part_of_ours_may_lose_a_pod_to_a_drain_and_only_so_many(documents: list[Document]) -> None:
    budgets = of_kind(documents, "PodDisruptionBudget")
    assert set(budgets) == set(of_kind(documents, "Deployment"))
    for budget in budgets.values():
        assert "minAvailable" not in budget["spec"], "one that keeps the only pod would stop every drain"


def test_the_api_is_asked_by_its_own_health(documents: list[Document]) -> None:
    api = of_kind(documents, "Deployment")["api"]
    (container,) = containers(api)
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert api["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 10 + 5


def test_workers_serve_every_queue_may_finish_a_slice_and_are_not_killed_for_an_absent_database(folder: Path) -> None:
    found = of_kind(rendered(folder / "overlays/gpu"), "Deployment")
    workers = {name: each for name, each in found.items() if name.startswith("worker-")}
    served = set()
    for document in workers.values():
        (container,) = containers(document)
        assert container["args"][0] == "worker"
        served |= set(container["args"][container["args"].index("--queue") + 1].split(","))
        assert document["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 90
        assert "readinessProbe" in container
        assert "livenessProbe" not in container
    assert served == set(Queue)


def test_workers_are_scaled_by_the_depth_of_the_queue_that_they_serve(folder: Path) -> None:
    documents = rendered(folder / "overlays/gpu")
    deployments = of_kind(documents, "Deployment")
    for name, document in of_kind(documents, "ScaledObject").items():
        assert document["spec"]["scaleTargetRef"]["name"] == name
        (container,) = containers(deployments[name])
        queue = container["args"][container["args"].index("--queue") + 1]
        (trigger,) = document["spec"]["triggers"]
        asked = re.findall(r'(memspan_\w+)\{queue="(\w+)"\}', trigger["metadata"]["query"])
        assert asked == [(gauge, queue) for gauge in ("memspan_queue_depth", "memspan_queue_leased")]
        assert {gauge for gauge, _ in asked} <= {family.name for family in exposition._queues([])}


def test_a_worker_is_wanted_for_each_stack_of_small_models_and_pages_say_for_how_many_runs(folder: Path) -> None:
    """What is counted are runs, by a tally of each experiment: stacks are rows, and to count a million takes long."""
    objects = of_kind(rendered(folder / "overlays/gpu"), "ScaledObject").values()
    wanted = {trigger["metadata"]["threshold"] for each in objects for trigger in each["spec"]["triggers"]}
    spec = parse({"tasks": [{"kind": "latch"}], "models": [{"kind": "lstm", "hidden_size": 1}], "lengths": [10]})
    assert wanted == {str(place(each, "cpu").width) for each in conditions(spec)}
    (threshold,) = wanted
    for page, said in (("scaling", f"one for each {threshold} runs"), ("kubernetes", f"aims at {threshold} a pod")):
        assert said in (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def test_every_setting_is_one_that_the_service_reads_at_its_default(documents: list[Document]) -> None:
    data = of_kind(documents, "ConfigMap")["memspan"]["data"]
    given = {key.removeprefix(PREFIX).lower(): value for key, value in data.items() if key.startswith(PREFIX)}
    assert set(given) <= set(Settings.model_fields)
    hosts = given.pop("allowed_hosts")
    assert hosts.split(",")[0] == "api"
    assert Settings.model_validate(given) == Settings.model_validate({})


def test_the_api_starts_on_a_fresh_database_where_its_own_pod_alone_is_trusted(
    documents: list[Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody could make the first key from inside it, and port-forward would lead nowhere."""
    data = of_kind(documents, "ConfigMap")["memspan"]["data"]
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    for name, value in {**data, "MEMSPAN_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    (container,) = containers(of_kind(documents, "Deployment")["api"])
    host = container["args"][container["args"].index("--host") + 1]
    settings = prepared()
    require_guard(host, settings)
    assert settings.trusted_networks
    assert all(network.is_loopback for network in settings.trusted_networks)


def test_nobody_talks_to_anybody_unless_it_is_said(documents: list[Document]) -> None:
    policies = of_kind(documents, "NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, document in policies.items():
        for rule in (*document["spec"].get("ingress", ()), *document["spec"].get("egress", ())):
            assert rule["ports"], name
            assert rule.get("from") or rule.get("to"), name


def test_no_secret_is_in_the_repository() -> None:
    assert [path for path in MANIFESTS.rglob("*.yaml") if "kind: Secret" in path.read_text(encoding="utf-8")] == []
    assert "secrets.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert (
        "deploy.passwords deploy/kubernetes/overlays/$(OVERLAY)/secrets.env POSTGRES_PASSWORD REDIS_PASSWORD"
        in makefile
    )


def test_the_images_are_those_of_compose(folder: Path) -> None:
    stack = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for document in of_kind(rendered(folder / "overlays/laptop"), *PODS).values():
        for container in containers(document):
            assert container["image"] in stack
