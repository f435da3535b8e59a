"""What the Compose file and the Dockerfile promise, read from the files; no container is needed."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DATABASES = ("postgres", "redis")
LASTING = (*DATABASES, "api", "worker-cpu", "worker-gpu")
OURS = ("migrate", "api", "worker-cpu", "worker-gpu")
LONGEST_SLICE_SECONDS = 60
PACKAGES = ("memspan", "service", "workers", "migrations")
SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD")


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    """The Compose file with every variable at its default, and a password for each that has none."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    text = re.sub(r"\$\{\w+:\?([^}]*)\}", "secret", text)
    return dict(yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)))


@pytest.fixture(scope="module")
def services(stack: dict[str, Any]) -> dict[str, Any]:
    return dict(stack["services"])


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def variables(service: dict[str, Any]) -> dict[str, Any]:
    """The settings that a service is given; one that is empty is not set, as the settings read it."""
    given = service.get("environment", {})
    return {name: value for name, value in given.items() if name.startswith(PREFIX) and value != ""}


def test_the_stack_is_the_one_that_the_design_names(services: dict[str, Any]) -> None:
    assert set(services) == {*DATABASES, *OURS}


def test_every_part_is_told_how_long_to_keep_and_how_much_to_leave_free() -> None:
    """Any part may lead the patrol, which carries retention out; a variable that is empty is one that is not set."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    every = yaml.safe_load(text)["x-memspan"]["environment"]
    for name in ("MEMSPAN_MINIMUM_FREE", "MEMSPAN_RETENTION_DAYS"):
        assert every[name] == f"${{{name}:-}}"


def test_what_the_shell_may_set_has_the_default_of_its_setting() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    given = {name.lower(): value for name, value in re.findall(rf"\$\{{{PREFIX}(\w+):-(.+)\}}", text)}
    del given["allowed_hosts"]  # other containers of the stack reach the API by its name there
    assert given.keys() >= {"lease_seconds", "log_level", "threads"}
    assert Settings.model_validate(given) == Settings.model_validate({})


def test_without_passwords_compose_refuses_and_says_which_command_makes_them() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    given = re.findall(r"\$\{(\w*PASSWORD\w*)([^}]*)\}", text)
    assert {name for name, _ in given} == set(SECRETS)
    for _, otherwise in given:
        assert otherwise.startswith(":?"), "no default: Compose ends with the sentence"
        assert "`make compose-secrets`" in otherwise
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^compose-secrets:\n\t.*deploy\.passwords \.env {' '.join(SECRETS)}$", makefile, re.MULTILINE)


def test_the_file_of_passwords_stays_out_of_the_repository_and_of_the_image() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "!.env" not in (ROOT / ".dockerignore").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*DATABASES, *OURS])
def test_no_service_writes_to_its_image_or_gains_rights(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert any(each.startswith("/tmp:size=") for each in service["tmpfs"])  # noqa: S108, a container's own


def test_only_the_databases_get_rights_back_and_only_to_become_their_own_user(services: dict[str, Any]) -> None:
    back = {name: set(service["cap_add"]) for name, service in services.items() if "cap_add" in service}
    assert set(back) == set(DATABASES)
    for rights in back.values():
        assert rights <= {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}


@pytest.mark.parametrize("name", [*DATABASES, *OURS])
def test_every_service_is_bounded_in_memory_and_in_processes(services: dict[str, Any], name: str) -> None:
    assert re.fullmatch(r"[1-9]\d*[mg]", services[name]["mem_limit"])
    assert 64 <= services[name]["pids_limit"] <= 4096


def test_the_images_of_others_may_be_pinned_by_a_command(services: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    taken = dict(re.findall(r"\$\{(\w+_IMAGE):-([^}]+)\}", text))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (pinned,) = re.findall(r"^compose-images:\n\t.*deploy\.images \.env (.+)$", makefile, re.MULTILINE)
    assert dict(word.split("=") for word in pinned.split()) == taken
    assert {services[name]["image"] for name in DATABASES} <= set(taken.values())


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_restarts_by_itself_and_tells_its_health(services: dict[str, Any], name: str) -> None:
    assert services[name]["restart"] == "unless-stopped"
    assert services[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize(("name", "folder"), [("postgres", "/var/lib/postgresql/data"), ("redis", "/data")])
def test_databases_keep_their_files_in_named_volumes(stack: dict[str, Any], name: str, folder: str) -> None:
    (mount,) = stack["services"][name]["volumes"]
    volume, place = mount.split(":")
    assert volume in stack["volumes"]
    assert place == folder


def test_redis_keeps_every_message_it_took(services: dict[str, Any]) -> None:
    command = " ".join(services["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_the_migration_runs_once_and_before_everybody_else(services: dict[str, Any]) -> None:
    assert services["migrate"]["command"] == ["migrate"]
    assert services["migrate"]["restart"] == "no"
    for name in ("api", "worker-cpu", "worker-gpu"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", ["api", "worker-cpu", "worker-gpu"])
def test_databases_stop_after_those_who_store_in_them(services: dict[str, Any], name: str) -> None:
    assert set(DATABASES) <= set(services[name]["depends_on"])


def test_only_the_api_is_published_and_only_on_loopback(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"api"}
    (port,) = services["api"]["ports"]
    assert ip_address(port.split(":")[0]).is_loopback


def test_the_api_trusts_loopback_and_the_stacks_own_subnet_alone(stack: dict[str, Any]) -> None:
    (pool,) = stack["networks"]["memspan"]["ipam"]["config"]
    trusted = {ip_network(part) for part in variables(stack["services"]["api"])["MEMSPAN_TRUSTED_NETWORKS"].split(",")}
    assert trusted == {*map(ip_network, ("127.0.0.0/8", "::1/128", pool["subnet"]))}
    assert variables(stack["services"]["api"])["MEMSPAN_ALLOWED_HOSTS"] == "api"


@pytest.mark.parametrize(("name", "queues"), [("worker-cpu", {"cpu", "probe"}), ("worker-gpu", {"gpu"})])
def test_workers_serve_their_queues_and_may_finish_a_slice(
    services: dict[str, Any], name: str, queues: set[str]
) -> None:
    command = services[name]["command"]
    assert command[0] == "worker"
    assert set(command[command.index("--queue") + 1].split(",")) == queues
    assert int(services[name]["stop_grace_period"].removesuffix("s")) >= LONGEST_SLICE_SECONDS


def test_a_gpu_worker_is_asked_for_by_its_profile_and_gets_a_device(services: dict[str, Any]) -> None:
    worker = services["worker-gpu"]
    assert worker["profiles"] == ["gpu"]
    assert worker["build"]["args"]["DEVICE"] == "cuda"
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert [name for name, service in services.items() if "profiles" in service] == ["worker-gpu"]


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one_that_the_service_reads_and_has_a_value_it_takes(
    services: dict[str, Any], name: str
) -> None:
    given = {key.removeprefix(PREFIX).lower(): value for key, value in variables(services[name]).items()}
    assert given
    assert set(given) <= set(Settings.model_fields)
    assert Settings(**given).redis_url is not None


def test_the_file_keeps_to_what_compose_1_29_knows(stack: dict[str, Any]) -> None:
    known = {"services", "networks", "volumes"}
    assert {key for key in stack if not key.startswith("x-")} <= known
    for service in stack["services"].values():
        assert not {"develop", "pull_policy", "attach", "provider"} & set(service)
        assert "start_interval" not in service.get("healthcheck", {})


def test_the_image_runs_unprivileged_and_stops_by_sigterm(dockerfile: str) -> None:
    instructions = re.findall(r"^(USER|STOPSIGNAL|ENTRYPOINT|HEALTHCHECK) *(.*)$", dockerfile, re.MULTILINE)
    assert instructions == [("USER", "memspan"), ("STOPSIGNAL", "SIGTERM"), ("ENTRYPOINT", '["memspan"]')]


def test_what_is_copied_into_the_image_is_let_into_its_context(dockerfile: str) -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_every_file_that_the_image_installs_is_one_whose_hash_is_locked(dockerfile: str) -> None:
    installs = re.findall(r"pip install (.*?)(?: &&|\n[A-Z]|;|$)", dockerfile, re.DOTALL)
    assert len(installs) == 3
    for options in installs:
        assert "--require-hashes" in options or "--no-index /wheel/*.whl" in options
    assert set(re.findall(r"/locks/([\w-]+)\.lock", dockerfile)) == {p.stem for p in (ROOT / "locks").glob("*.lock")}


def test_requirements_are_installed_before_the_sources_come_in(dockerfile: str) -> None:
    assert dockerfile.index("-r /locks/run.lock") < min(dockerfile.index(f"COPY {package} ") for package in PACKAGES)


def test_every_file_of_the_packages_is_in_the_wheel() -> None:
    """A template or script that package-data does not name would work in a checkout and be missing in the image."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    for package in PACKAGES:
        others = {
            path.relative_to(ROOT / package).as_posix()
            for path in (ROOT / package).rglob("*")
            if path.is_file() and path.suffix not in (".py", ".pyc")
        }
        assert {name for name in others if not any(fnmatch(name, each) for each in data.get(package, []))} == set()


READ_ELSEWHERE = {"KEY", "PROCESSOR", "SERVER"}
"""what the command line's clients and the compiled loops read, not the service"""


def test_the_deployment_page_explains_every_setting_and_no_other() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    rows = set(re.findall(rf"^\| `{PREFIX}(\w+)` \|", page, re.MULTILINE))
    assert rows == {name.upper() for name in Settings.model_fields} | READ_ELSEWHERE


def test_the_deployment_page_explains_what_compose_reads() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert {name for name in re.findall(r"\$\{(\w+)", text) if f"`{name}`" not in page} == set()
