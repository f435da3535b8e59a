"""How much memory there is: read from files as the kernel lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from memspan.engine.machine_memory import machine_bytes, worker_bytes

GIB = 2**30


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A machine of 8 GiB without control groups."""
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    put(proc / "meminfo", "MemFree: 1 kB\nMemTotal:        8388608 kB\n")
    groups.mkdir()
    return proc, groups


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_control_groups_it_is_all_that_the_machine_has(folders: tuple[Path, Path]) -> None:
    assert machine_bytes(*folders) == 8 * GIB
    put(folders[0] / "self/cgroup", "0::/\n")
    assert machine_bytes(*folders) == 8 * GIB


def test_the_least_limit_of_the_groups_around_a_process_counts(folders: tuple[Path, Path]) -> None:
    proc, groups = folders
    put(proc / "self/cgroup", "0::/lab/job\n")
    put(groups / "lab/memory.max", f"{3 * GIB}\n")
    put(groups / "lab/job/memory.max", "max\n")
    assert machine_bytes(*folders) == 3 * GIB
    put(groups / "lab/job/memory.max", f"{2 * GIB}\n")
    assert machine_bytes(*folders) == 2 * GIB


def test_a_container_sees_the_root_of_its_own_group(folders: tuple[Path, Path]) -> None:
    proc, groups = folders
    put(proc / "self/cgroup", "0::/../..\n")
    put(groups / "memory.max", f"{5 * GIB}\n")
    assert machine_bytes(*folders) == 5 * GIB


def test_version_1_has_a_file_of_another_name_and_no_limit_is_a_huge_one(folders: tuple[Path, Path]) -> None:
    proc, groups = folders
    put(proc / "self/cgroup", "7:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n")
    put(groups / "memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert machine_bytes(*folders) == 8 * GIB
    put(groups / "memory/docker/ab/memory.limit_in_bytes", f"{GIB}\n")
    assert machine_bytes(*folders) == GIB


def test_this_machine_has_some(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 2**28 < machine_bytes() < 2**50
    monkeypatch.delenv("MEMSPAN_WORKER_MEMORY", raising=False)
    assert worker_bytes() == machine_bytes()
    monkeypatch.setenv("MEMSPAN_WORKER_MEMORY", "1.5GiB")
    assert worker_bytes() == 3 * GIB // 2
