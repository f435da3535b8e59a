"""Lock files: everything that an image is made of, with the SHA-256 of each file that may be taken for it.

    python -m deploy.lock

reads ``pyproject.toml`` and ``constraints.txt`` and writes ``locks/``, for every platform and Python at once, by uv.
The index is pip's own; no address is written. PyTorch stands apart, since its CPU builds (``2.13.0+cpu``) are files of
their own, which not every index has: those for the image that pip finds here are locked, and those of the same version
that were known before stay.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.indexes import default_index

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "locks"
OLDEST_PYTHON = "3.11"
ENTRY = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)==(?P<version>[^\s;]+)(?P<marker> ;.*?)?(?P<hashes>( --hash=\S+)+)")
TORCH = re.compile(r"torch$|nvidia-|cuda-|triton$")
"""names of PyTorch and of what only its CUDA build stands on; a CPU build names none of it"""
IMAGE_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64")
HEADER = """# Made by `make lock` from pyproject.toml and constraints.txt; `make lock` makes it anew.
# {what}
"""
WHAT = {
    "run": "What API and workers stand on, but for PyTorch: torch.lock or torch-cpu.lock.",
    "torch": "PyTorch as the index has it, for Linux with CUDA and its libraries.",
    "torch-cpu": "PyTorch's CPU builds for the image.",
    "build": "What the package is built with.",
}


def entries(text: str) -> dict[str, str]:
    """The requirements of a lock file by name, each in one line with its hashes."""
    lines = text.replace("\\\n", " ").splitlines()
    joined = [" ".join(line.split()) for line in lines if line and not line.startswith("#")]
    return {found["name"]: line for line in joined if (found := ENTRY.fullmatch(line))}


def hashes(line: str) -> set[str]:
    return set(re.findall(r"--hash=(\S+)", line))


def version(line: str) -> str:
    return line.partition(";")[0].split()[0].partition("==")[2]


def compiled(requirements: str, *options: str) -> str:
    """What requirements come down to, with hashes, by uv; raises CalledProcessError where there is no way."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--no-config", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--python-version", OLDEST_PYTHON, *options]
    done = subprocess.run(command, input=requirements, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, its words are ours and pip's configuration
    return done.stdout


def resolved(requirements: Sequence[str]) -> dict[str, str]:
    """The entries of requirements with all that they stand on, for every platform."""
    index = ["--default-index", place] if (place := default_index()) else []
    return entries(compiled("\n".join(requirements), "--universal", "--constraints", "constraints.txt", *index))


def cpu_builds(pin: str) -> set[str]:
    """Hashes of PyTorch's CPU builds for the image; none where pip knows no place that has them."""
    return {found for platform in IMAGE_PLATFORMS if (found := _cpu_build(pin, platform))}


def _cpu_build(pin: str, platform: str) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        where = ["--dest", folder, "--no-deps", "--only-binary=:all:", "--python-version", OLDEST_PYTHON]
        command = [sys.executable, "-m", "pip", "download", "--quiet", *where, "--platform", platform]
        subprocess.run([*command, pin], capture_output=True, check=False)  # noqa: S603, its words are ours
        files = [path for path in Path(folder).iterdir() if "+cpu" in path.name]
        return f"sha256:{hashlib.sha256(files[0].read_bytes()).hexdigest()}" if files else None


def known_before(pin: str) -> set[str]:
    """Hashes of the same CPU builds that stand in the lock file now."""
    path = LOCKS / "torch-cpu.lock"
    line = entries(path.read_text(encoding="utf-8")).get("torch", "") if path.exists() else ""
    return hashes(line) if line.startswith(f"{pin} ") else set()


def write(name: str, found: Iterable[str]) -> None:
    """One lock file, a hash a line, so that a change of one shows as one."""
    body = "".join(line.replace(" --hash=", " \\\n    --hash=") + "\n" for line in found)
    (LOCKS / f"{name}.lock").write_text(HEADER.format(what=WHAT[name]) + body, encoding="utf-8")


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    try:
        run = resolved(project["project"]["dependencies"])
        build = resolved(project["build-system"]["requires"])
    except subprocess.CalledProcessError as error:
        sys.exit(f"Nothing was locked: {error.stderr.strip()}")
    pin = f"torch=={version(run['torch'])}+cpu"
    added = cpu_builds(pin)
    cpu = sorted(known_before(pin) | added)
    LOCKS.mkdir(exist_ok=True)
    write("run", [line for name, line in run.items() if not TORCH.match(name)])
    write("torch", [line for name, line in run.items() if TORCH.match(name)])
    write("torch-cpu", [" ".join([pin, *(f"--hash={each}" for each in cpu)])] if cpu else [])
    write("build", build.values())
    print(f"{len(run)} requirements locked in {LOCKS.name}/; {len(added)} files of {pin} were found here.")


if __name__ == "__main__":
    main()
