"""Today's models on recall in JAX: a whole run of optimiser steps is one ``jax.jit`` with ``lax.scan`` over them.

Runs in the environment of the peers: ``python -m benchmarks.against_jax_blocks FILE ...`` reads what
``benchmarks.recall`` wrote, weights and batches, and prints a line of JSON for each: the loss of the first batch,
seconds to compile, and processor milliseconds of a step.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.against_jax import adam
from benchmarks.mixers_in_jax import logits

ROUNDS = 3


def measured(file: Path) -> dict[str, float]:
    stored = dict(np.load(file))
    tokens, steps, targets = (jnp.asarray(stored.pop(f"/{name}")) for name in ("tokens", "steps", "targets"))
    weights = {name: jnp.asarray(each) for name, each in stored.items()}

    def loss(weights: Any, batch: Any) -> Any:
        tokens, steps, targets = batch
        chances = jax.nn.log_softmax(logits(file.stem, weights, tokens, steps))
        return -jnp.mean(jnp.take_along_axis(chances, targets[..., None], -1))

    def step(state: Any, batch: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(state[0], batch)
        return adam(state, gradients), value

    zeros = jax.tree.map(jnp.zeros_like, weights)
    state, batches = (weights, zeros, zeros, jnp.zeros(())), (tokens, steps, targets)
    begun = time.perf_counter()
    train = jax.jit(lambda state, batches: lax.scan(step, state, batches)).lower(state, batches).compile()
    compiled = time.perf_counter() - begun
    times, first = [], 0.0
    for _ in range(ROUNDS):
        begun = time.process_time()
        losses = jax.block_until_ready(train(state, batches))[1]
        times.append(1000 * (time.process_time() - begun) / len(tokens))
        first = float(losses[0])
    return {"loss": first, "compile_s": compiled, "step_ms": min(times)}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(json.dumps(measured(Path(name))), flush=True)
