"""The home folder: where what belongs to one user is kept."""

from __future__ import annotations

import os
from pathlib import Path


def home_folder() -> Path:
    """``MEMSPAN_HOME``, else ``~/.memspan``: the folder that a service reads from the same variable."""
    return Path(os.environ.get("MEMSPAN_HOME") or "~/.memspan").expanduser().absolute()
