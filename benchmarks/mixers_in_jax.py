"""The mixers of today's models in JAX, as an expert would write them for a processor: from our weights, by their names.

Each takes the weights of its block and x (B, T, d). Matrices that fade are products of (T, T) at once; Mamba, the delta
rule and sLSTM are ``lax.scan`` over time. ``lax.associative_scan`` took twice as long for Mamba, a triangular system
two and a half times for the delta rule. One head each.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

Weights = Mapping[str, Any]
silu = jax.nn.silu


def normed(x: Any, gain: Any) -> Any:
    """RMS norm."""
    return x * lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-5) * gain


def convolution(w: Weights, x: Any) -> Any:
    """A causal one of each channel; none where there are no weights for it."""
    if "convolution.kernel" not in w:
        return x
    kernel, steps = w["convolution.kernel"], x.shape[1]
    longer = jnp.pad(x, ((0, 0), (kernel.shape[1] - 1, 0), (0, 0)))
    return w["convolution.bias"] + sum(longer[:, b : b + steps] * kernel[:, b] for b in range(kernel.shape[1]))


def long_convolution(x: Any, kernel: Any) -> Any:
    """By Fourier transforms; a kernel (d, T)."""
    steps = x.shape[1]
    waves = jnp.fft.rfft(x, 2 * steps, axis=1) * jnp.fft.rfft(kernel, 2 * steps).T
    return jnp.fft.irfft(waves, 2 * steps, axis=1)[:, :steps]


def triangle(steps: int) -> Any:
    return jnp.tril(jnp.ones((steps, steps), bool))


def turned(x: Any) -> Any:
    half = x.shape[-1] // 2
    angles = jnp.arange(x.shape[1])[:, None] * 10_000.0 ** (-jnp.arange(half) / half)
    first, second, cosine, sine = x[..., :half], x[..., half:], jnp.cos(angles), jnp.sin(angles)
    return jnp.concatenate([first * cosine - second * sine, second * cosine + first * sine], -1)


def attention(w: Weights, x: Any) -> Any:
    q, k, v = jnp.split(convolution(w, x @ w["qkv"]), 3, -1)
    scores = turned(q) @ turned(k).swapaxes(1, 2) / math.sqrt(x.shape[-1])
    return jax.nn.softmax(jnp.where(triangle(x.shape[1]), scores, -jnp.inf), -1) @ v @ w["out"]


def s4d(w: Weights, x: Any) -> Any:
    u, rates = convolution(w, x), -jnp.exp(w["decay"])
    times = jnp.exp(w["step"])[:, None] * rates
    powers = jnp.exp(times[..., None] * jnp.arange(x.shape[1]))  # (d, N, T)
    kernel = jnp.einsum("dn,dnt->dt", w["C"] * jnp.expm1(times) / rates, powers)
    y = jax.nn.gelu(long_convolution(u, kernel) + w["D"] * u, approximate=False)
    a, b = jnp.split(y @ w["gate.kernel"] + w["gate.bias"], 2, -1)
    return a * jax.nn.sigmoid(b)


def mamba(w: Weights, x: Any) -> Any:
    u, z = jnp.split(x @ w["in"], 2, -1)
    u = silu(convolution(w, u))
    rank, states = w["step.kernel"].shape[0], w["A_log"].shape[1]
    low, into, out = jnp.split(u @ w["x"], [rank, rank + states], -1)
    time = jax.nn.softplus(low @ w["step.kernel"] + w["step.bias"])
    rates, start = -jnp.exp(w["A_log"]), jnp.zeros((x.shape[0], u.shape[2], states))

    def step(h: Any, seen: Any) -> Any:
        time, written, into, out = seen
        h = jnp.exp(time[..., None] * rates) * h + written[..., None] * into[:, None]
        return h, jnp.einsum("ben,bn->be", h, out)

    each = (time, time * u, into, out)
    y = lax.scan(step, start, tuple(part.swapaxes(0, 1) for part in each))[1].swapaxes(0, 1) + w["D"] * u
    return (y * silu(z)) @ w["out"]


def gated_linear_attention(w: Weights, x: Any) -> Any:
    """In one chunk by its factored form, which starts so near to no decay that it can't overflow here."""
    key = w["decay.up"].shape[1]
    q, k, v = jnp.split(convolution(w, x @ w["qkv"]), [key, 2 * key], -1)
    total = jnp.cumsum(jax.nn.log_sigmoid(x @ w["decay.down"] @ w["decay.up"] + w["decay.bias"]) / 16, 1)
    scores = (q * jnp.exp(total) / math.sqrt(key)) @ (k * jnp.exp(-total)).swapaxes(1, 2)
    made = jnp.where(triangle(x.shape[1]), scores, 0.0) @ v
    return (normed(made, w["norm"]) * silu(x @ w["gate"])) @ w["out"]


def delta_net(w: Weights, x: Any) -> Any:
    key = (w["qkv"].shape[1] - x.shape[-1]) // 2
    q, k, v = jnp.split(silu(convolution(w, x @ w["qkv"])), [key, 2 * key], -1)
    q, k = (each * lax.rsqrt(jnp.sum(each * each, -1, keepdims=True) + 1e-6) for each in (q, k))
    beta = jax.nn.sigmoid(x @ w["beta"])  # (B, T, 1)
    time = jax.nn.softplus(x @ w["decay.kernel"] + w["decay.bias"])
    share = jnp.exp(-jnp.exp(w["decay.A_log"]) * time)

    def step(state: Any, seen: Any) -> Any:
        q, k, v, beta, share = seen
        state = share[..., None] * state
        error = beta * (v - jnp.einsum("bkv,bk->bv", state, k))
        state = state + k[..., None] * error[:, None]
        return state, jnp.einsum("bkv,bk->bv", state, q)

    each = (q / math.sqrt(key), k, v, beta, share)
    start = jnp.zeros((x.shape[0], key, v.shape[-1]))
    made = lax.scan(step, start, tuple(part.swapaxes(0, 1) for part in each))[1].swapaxes(0, 1)
    return (normed(made, w["norm"]) * silu(x @ w["gate"])) @ w["out"]


def mlstm(w: Weights, x: Any) -> Any:
    q, k = jnp.split(silu(convolution(w, x @ w["qk"])), 2, -1)
    opened, kept = jnp.split(x @ w["gates.kernel"] + w["gates.bias"], 2, -1)
    total = jnp.cumsum(jax.nn.log_sigmoid(kept), 1)
    gates = jnp.where(triangle(x.shape[1]), total - (total - opened).swapaxes(1, 2), -jnp.inf)
    top = lax.stop_gradient(gates.max(-1, keepdims=True))
    scores = q @ k.swapaxes(1, 2) / math.sqrt(k.shape[-1]) * jnp.exp(gates - top)
    h = scores @ (x @ w["v"]) / jnp.maximum(jnp.abs(scores.sum(-1, keepdims=True)), jnp.exp(-top))
    return (jax.nn.sigmoid(x @ w["output"]) * normed(h, w["norm"])) @ w["out"]


def slstm(w: Weights, x: Any) -> Any:
    made = convolution(w, x) @ w["head0.kernel"] + w["head0.bias"]
    zeros = jnp.zeros((x.shape[0], x.shape[2]))

    def step(state: Any, z: Any) -> Any:
        y, c, n, m = state
        made, opened, forget, output = jnp.split(z + y @ w["head0.recurrent"], 4, -1)
        kept = m - jax.nn.softplus(-forget)
        top = jnp.maximum(kept, opened)
        i, f = jnp.exp(opened - top), jnp.exp(kept - top)
        c, n = f * c + i * jnp.tanh(made), f * n + i
        y = jax.nn.sigmoid(output) * c / n
        return (y, c, n, top), y

    y = lax.scan(step, (zeros, zeros, zeros, zeros - 1e30), made.swapaxes(0, 1))[1]
    return normed(y.swapaxes(0, 1), w["norm"])


def hyena(w: Weights, x: Any) -> Any:
    steps, size = x.shape[1:]
    gate, inner, v = jnp.split(convolution(w, x @ w["in"]), 3, -1)
    time = jnp.arange(steps) / (steps - 1)
    features = jnp.stack([time, jnp.cos(2 * jnp.pi * time), jnp.sin(2 * jnp.pi * time)], -1)
    hidden = jnp.sin(w["filter.frequency"] * (features @ w["filter.in"] + w["filter.in_bias"]))
    for kernel, bias in zip(w["filter.inner"], w["filter.inner_bias"], strict=True):
        hidden = jnp.sin(w["filter.frequency"] * (hidden @ kernel + bias))
    rates = -math.log(0.01) / jnp.linspace(1.5, 0.3, size)
    u = inner * v
    made = long_convolution(u, (hidden @ w["filter.out"] * jnp.exp(-time[:, None] * rates)).T)
    return (gate * (made + w["bias"] * u)) @ w["out"]


MIXERS: dict[str, Callable[[Weights, Any], Any]] = {
    "attention": attention, "s4d": s4d, "mamba": mamba, "gated_linear_attention": gated_linear_attention,
    "delta_net": delta_net, "mlstm": mlstm, "slstm": slstm, "hyena": hyena,
}  # fmt: skip


def logits(kind: str, weights: Weights, tokens: Any, steps: Any) -> Any:
    """What a stack of blocks answers at some steps (B, D) of tokens (B, T): (B, D, V)."""
    x, block = weights["embedding.kernel"][tokens], 0
    while f"block{block}.norm" in weights:
        ahead = f"block{block}.mixer."
        own = {name.removeprefix(ahead): each for name, each in weights.items() if name.startswith(ahead)}
        x = x + MIXERS[kind](own, normed(x, weights[f"block{block}.norm"]))
        block += 1
    chosen = jnp.take_along_axis(x, steps[..., None], 1)
    return normed(chosen, weights["norm"]) @ weights["readout.kernel"] + weights["readout.bias"]
