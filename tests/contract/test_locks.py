"""The lock files are whole: all that is installed into an image, at the versions that were tested together."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from deploy.lock import TORCH, entries, hashes, version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "locks").glob("*.lock"))}
STALE = "locks/ is older than pyproject.toml or constraints.txt: run `make lock`"


def pinned() -> dict[str, Version]:
    """The version of each constraint by the name that is the same however it is written."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(each.name): Version(str(each.specifier).removeprefix("==")) for each in found}


def locked(*names: str) -> dict[str, Version]:
    found = {key: line for name in names for key, line in entries(LOCKS[name]).items()}
    return {canonicalize_name(name): Version(version(line)) for name, line in found.items()}


def wanted(requirements: list[str]) -> Iterator[Requirement]:
    """Requirements with all that they stand on where these tests run, as the installed packages say it themselves."""
    seen: set[tuple[str, str]] = set()
    left = [Requirement(each) for each in requirements]
    while left:
        requirement = left.pop()
        for extra in ("", *sorted(requirement.extras)):
            key = (canonicalize_name(requirement.name), extra)
            if key in seen:
                continue
            seen.add(key)
            yield requirement
            left += _stands_on(requirement.name, extra)


def _stands_on(name: str, extra: str) -> list[Requirement]:
    environment = {**default_environment(), "extra": extra}
    found = [Requirement(line) for line in requires(name) or []]
    return [each for each in found if each.marker is None or each.marker.evaluate(environment)]


def test_there_is_a_lock_for_the_image_for_both_builds_of_torch_and_for_what_builds_the_package() -> None:
    assert set(LOCKS) == {"run", "torch", "torch-cpu", "build"}


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_is_a_version_with_hashes_and_no_address(name: str) -> None:
    text = LOCKS[name]
    names = re.findall(r"^([A-Za-z0-9][^=\s]*)==", text, re.MULTILINE)
    assert list(entries(text)) == names
    assert len(names) >= 1
    for line in entries(text).values():
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes(line))
    assert "://" not in text
    options = [line for line in text.splitlines() if line.startswith("-")]
    assert options == []


def test_what_the_project_requires_is_locked_with_all_that_it_stands_on() -> None:
    versions = locked("run") | locked("torch")
    for requirement in wanted(PROJECT["project"]["dependencies"]):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{requirement}: {STALE}"
        assert requirement.specifier.contains(versions[name], prereleases=True), f"{requirement}: {STALE}"


def test_what_builds_the_package_is_locked() -> None:
    versions = locked("build")
    for requirement in map(Requirement, PROJECT["build-system"]["requires"]):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), STALE


def test_locks_and_constraints_name_the_same_versions() -> None:
    constraints = pinned()
    for name, found in locked("run", "torch", "build").items():
        assert constraints.get(name, found) == found, f"{name}: {STALE}"


def test_torch_and_what_its_cuda_build_needs_stand_apart() -> None:
    assert all(TORCH.match(name) for name in locked("torch"))
    assert not [name for name in locked("run") if TORCH.match(name)]
    assert set(locked("torch-cpu")) == {"torch"}
    assert locked("torch-cpu")["torch"] == Version(f"{locked('torch')['torch']}+cpu"), STALE


def test_a_lock_without_a_package_or_with_another_version_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = entries(LOCKS["run"])
    monkeypatch.setitem(LOCKS, "run", "\n".join(line for name, line in lines.items() if name != "vine"))
    with pytest.raises(AssertionError, match=r"vine.*run `make lock`"):
        test_what_the_project_requires_is_locked_with_all_that_it_stands_on()
    monkeypatch.setitem(LOCKS, "run", lines["kombu"].replace("kombu==5", "kombu==6"))
    with pytest.raises(AssertionError, match=r"kombu.*run `make lock`"):
        test_locks_and_constraints_name_the_same_versions()
