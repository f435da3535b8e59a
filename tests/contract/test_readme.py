"""README names everything that a user may write."""

import re
from pathlib import Path

import pytest

from memspan.models import model
from memspan.optimizers import optimizer
from memspan.probes import probe
from memspan.studies import study
from memspan.tasks import task
from service.commands import cli
from service.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEPLOYMENT = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
KINDS = [kind for family in (task, model, optimizer, probe, study) for kind in family.kinds()]


@pytest.mark.parametrize("kind", KINDS)
def test_readme_names_every_kind(kind: str) -> None:
    assert f"`{kind}`" in README


@pytest.mark.parametrize("command", [command.callback.__name__ for command in cli.registered_commands])
def test_readme_names_every_command(command: str) -> None:
    assert f"memspan {command}" in README


@pytest.mark.parametrize("target", ["setup", "demo", "serve", "test", "test-long", "check", "bench"])
def test_readme_names_every_target(target: str) -> None:
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_the_deployment_page_names_every_setting(name: str) -> None:
    assert f"MEMSPAN_{name.upper()}" in DEPLOYMENT


def test_readme_names_no_setting_that_does_not_exist() -> None:
    named = set(re.findall(r"MEMSPAN_[A-Z_]+", README))
    assert named <= {f"MEMSPAN_{name.upper()}" for name in Settings.model_fields}


def test_continuous_integration_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "make test\n" in script
    assert "make test-long" in script
