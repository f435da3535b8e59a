"""Public ids: opaque to clients, a prefix and a key to us."""

EXPERIMENT = "exp"
RUN = "run"
CHECKPOINT = "ckpt"
PROBE = "probe"
DATASET = "data"
KEY = "key"
GROUP = "group"
"""the experiments of a study that were started together, by the key of the first"""


def public(prefix: str, key: int) -> str:
    return f"{prefix}-{key}"
