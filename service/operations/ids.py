"""Public ids: opaque to clients, a prefix and a key to us."""

EXPERIMENT = "exp"
RUN = "run"
CHECKPOINT = "ckpt"
PROBE = "probe"


def public(prefix: str, key: int) -> str:
    return f"{prefix}-{key}"
