"""The folder of data sets."""

from __future__ import annotations

import os
from pathlib import Path

from memspan.interfaces.home import home_folder


def data_folder() -> Path:
    """``MEMSPAN_DATA``, else ``data`` in the home folder; a service reads the same variables as settings."""
    named = os.environ.get("MEMSPAN_DATA")
    return Path(named).expanduser().absolute() if named else home_folder() / "data"
