"""The folder of data sets."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """``MEMSPAN_DATA``, else ``data`` in ``MEMSPAN_HOME``, else ``~/.memspan/data``.

    The one place where the science looks at its surroundings; a service reads the same variables as settings.
    """
    home = Path(os.environ.get("MEMSPAN_HOME") or "~/.memspan").expanduser()
    named = os.environ.get("MEMSPAN_DATA")
    return (Path(named).expanduser() if named else home / "data").absolute()
