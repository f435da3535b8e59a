"""JAX as an expert would write it: vmap over repeats, scan over time, scan over optimiser steps, one jit.

Runs in the environment of the peers: ``python -m benchmarks.against_jax`` reads workloads from standard input and
prints a line of JSON for each: seconds to compile, milliseconds of an optimiser step of all repeats, milliseconds to
score ``score_size`` sequences with all repeats, and the last mean loss.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.workload import Workload, read

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
ROUNDS = 3
UNROLL = 1
"""time steps of a loop's body; 2 to 8 were no faster here and compile longer"""
Tree = Any


def lstm(z: Any, state: Any, kernel: Any, act: Callable[[Any], Any]) -> Any:
    h, c = state
    i, f, g, o = jnp.split(z + h @ kernel, 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * act(g)
    return jax.nn.sigmoid(o) * act(c), c


def rnn(z: Any, state: Any, kernel: Any, act: Callable[[Any], Any]) -> Any:
    return (act(z + state[0] @ kernel),)


def gru(z: Any, state: Any, kernel: Any, act: Callable[[Any], Any]) -> Any:
    """The reset gate acts after the product, as in Keras 3."""
    (h,) = state
    r, u, n = jnp.split(z, 3, -1)
    s, t, m = jnp.split(h @ kernel, 3, -1)
    u = jax.nn.sigmoid(u + t)
    return (u * h + (1 - u) * act(n + jax.nn.sigmoid(r + s) * m),)


STEP = {"lstm": lstm, "rnn": rnn, "gru": gru}


def answer(load: Workload, weights: Tree, x: Any) -> Any:
    """Outputs (B, K) of one model for inputs (B, T, 1); the product with the inputs is taken out of the loop."""
    act = {"tanh": jnp.tanh, "softplus": jax.nn.softplus}[load.activation]
    x = x.swapaxes(0, 1)  # (T, B, C)
    for size, (kernel, recurrent, bias) in zip(load.sizes, weights["layers"], strict=True):
        start = (jnp.zeros((x.shape[1], size)),) * (2 if load.cell == "lstm" else 1)

        def step(state: Any, z: Any, recurrent: Any = recurrent) -> Any:
            state = STEP[load.cell](z, state, recurrent, act)
            return state, state[0]

        last, x = lax.scan(step, start, x @ kernel + bias, unroll=UNROLL)
    return last[0] @ weights["kernel"] + weights["bias"]


def loss(load: Workload, weights: Tree, x: Any, y: Any) -> Any:
    outputs = answer(load, weights, x)
    if load.outputs == 1:
        return jnp.mean((outputs - y) ** 2)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], -1))


def drawn(load: Workload, key: Any) -> Tree:
    """First weights of one model, as Keras starts them."""
    layers, below, glorot = [], 1, jax.nn.initializers.glorot_uniform()
    for size in load.sizes:
        key, a, b = jax.random.split(key, 3)
        width = GATES[load.cell] * size
        bias = jnp.zeros(width).at[size : 2 * size].set(1.0) if load.cell == "lstm" else jnp.zeros(width)
        layers.append((glorot(a, (below, width)), jax.nn.initializers.orthogonal()(b, (size, width)), bias))
        below = size
    return {"layers": layers, "kernel": glorot(key, (below, load.outputs)), "bias": jnp.zeros(load.outputs)}


def adam(state: Tree, gradients: Tree) -> Tree:
    weights, mean, square, count = state
    count = count + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradients)
    square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradients)
    rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, mean, square)
    return weights, mean, square, count


def sampled(load: Workload, key: Any, shape: tuple[int, ...]) -> Any:
    """First plus last for numbers; for classes a latch of the sign of the first step."""
    first, second = jax.random.split(key)
    noise = jax.random.normal(first, (*shape, load.length, 1))
    if load.outputs == 1:
        return noise, noise[..., 0, :] + noise[..., -1, :]
    bits = jax.random.randint(second, shape, 0, 2)
    return (0.1 * noise).at[..., 0, 0].add(2.0 * bits - 1.0), bits


def train(load: Workload, state: Tree, data: Tree, picks: Any) -> Tree:
    """All optimiser steps of all repeats; ``picks`` (S, M, B) say which sequences each step takes, or are keys."""
    slopes = jax.vmap(jax.value_and_grad(partial(loss, load)))

    def step(state: Tree, pick: Any) -> Tree:
        fresh = load.fresh
        x, y = sampled(load, pick, (load.repeats, load.batch)) if fresh else (data[0][pick], data[1][pick])
        losses, gradients = slopes(state[0], x, y)
        return adam(state, gradients), losses.mean()

    return lax.scan(step, state, picks)


def score(load: Workload, weights: Tree, x: Any, y: Any) -> Any:
    """Loss and accuracy (M,) of all repeats."""

    def one(weights: Tree) -> Any:
        outputs = answer(load, weights, x)
        hits = jnp.mean(jnp.argmax(outputs, -1) == y) if load.outputs > 1 else 0.0
        return loss(load, weights, x, y), hits

    return jax.vmap(one)(weights)


def measured(load: Workload) -> dict[str, float]:
    key = jax.random.key(0)
    data = sampled(load, key, (load.train_size,))
    weights = jax.vmap(partial(drawn, load))(jax.random.split(key, load.repeats))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, zeros, jnp.zeros(()))
    begun = time.perf_counter()
    trained = jax.jit(partial(train, load)).lower(state, data, picks(load, key)).compile()
    test = sampled(load, key, (load.score_size,))
    scored = jax.jit(partial(score, load)).lower(weights, *test).compile()
    compiled = time.perf_counter() - begun
    times, scores = [], []
    for _ in range(ROUNDS):
        times.append(seconds(lambda: trained(state, data, picks(load, key))))
        scores.append(seconds(lambda: scored(weights, *test)))
    last = trained(state, data, picks(load, key))[1]
    step_ms, score_ms = 1000 * min(times) / load.steps, 1000 * min(scores)
    return {
        "compile_s": compiled,
        "step_ms": step_ms,
        "score_ms": score_ms,
        "loss": float(np.asarray(last)[-20:].mean()),
    }


def picks(load: Workload, key: Any) -> Any:
    """A shuffled order for each repeat, as an epoch would draw it, or a key for each step."""
    if load.fresh:
        return jax.random.split(key, load.steps)
    orders = jax.vmap(lambda k: jax.random.permutation(k, load.train_size))(jax.random.split(key, load.repeats))
    rounds = -(-load.steps * load.batch // load.train_size)
    orders = jnp.tile(orders, (1, rounds))[:, : load.steps * load.batch]
    return orders.reshape(load.repeats, load.steps, load.batch).swapaxes(0, 1)


def seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(action())
    return time.perf_counter() - start


if __name__ == "__main__":
    for load in read(sys.stdin.read()):
        print(json.dumps(measured(load)), flush=True)
