"""The images that others publish, pinned by digest: what Docker pulls now is what Compose and builds take from now on.

python3 -m deploy.images .env POSTGRES_IMAGE=postgres:15 REDIS_IMAGE=redis:7 PYTHON_IMAGE=python:3.11-slim
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from deploy.env_file import write


class NoDigest(Exception):
    """An image has no digest that its registry would know."""


def pinned(image: str) -> str:
    """The image's name with the digest that its registry gave it, ``postgres:15@sha256:...``; it is pulled first.

    Raises:
        NoDigest: it can't be pulled, or was made on this machine.
    """
    done = subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, text=True, check=False)  # noqa: S603, S607, the image is the caller's, Docker where the caller has it
    if done.returncode:
        raise NoDigest(f"{image} can't be pulled: {done.stderr.strip()}")
    shown = subprocess.run(  # noqa: S603, the same
        ["docker", "image", "inspect", "--format", "{{json .RepoDigests}}", image],  # noqa: S607, the same
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(shown.stdout) or []
    repository = image.partition("@")[0].rpartition(":")[0] or image
    for each in found:
        name, _, digest = each.partition("@")
        if name == repository:
            return f"{image.partition('@')[0]}@{digest}"
    raise NoDigest(f"{image} was made on this machine: no registry knows its digest.")


def main() -> None:
    path = Path(sys.argv[1])
    wanted = dict(word.split("=", 1) for word in sys.argv[2:])
    try:
        found = {name: pinned(image) for name, image in wanted.items()}
    except (NoDigest, OSError) as error:
        sys.exit(f"Nothing was pinned: {error}")
    write(path, found)
    for name, image in found.items():
        print(f"{name}={image} in {path}.")


if __name__ == "__main__":
    main()
