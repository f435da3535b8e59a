"""``make soak``: half an hour of it, or SOAK_MINUTES; SOAK_SEED repeats what another soak chose."""

from __future__ import annotations

import os
import secrets

from tests.soak.soak import soaked

soaked(
    minutes=float(os.environ.get("SOAK_MINUTES") or 30),
    seed=int(os.environ.get("SOAK_SEED") or secrets.randbelow(1_000_000)),
)
