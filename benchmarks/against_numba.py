"""One training step of an LSTM or a GRU as numba's users would write it: loops in Python, lanes innermost, one core.

``python -m benchmarks.against_numba`` reads workloads from standard input and prints a line of JSON for each: seconds
until the first step is done, milliseconds of a step of one model, and what the first step came to, by which
``turned_down`` sees that the same thing is computed. Numba lives in the peers' environment, beside no torch. Weights
lie in one vector in torch's order: W (G H, 1), U (G H, H), b, b', then the read-out's (K, H) and (K,).
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

from benchmarks.workload import Workload, read

Floats = Any
"""float32 arrays"""
GATES = {"lstm": 4, "gru": 3}
BETA_1, BETA_2, RATE, EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-3), np.float32(1e-7)
Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compiled at its first call; both options are needed for loops to become vectors."""
    compiled: Function = numba.njit(fastmath=True, error_model="numpy")(function)
    return compiled


@jit
def tanh(x: Any) -> Any:
    """A rational function: the mathematical library's would be called once for each number. Source: Eigen 3.4."""
    x = min(max(x, np.float32(-7.905311)), np.float32(7.905311))
    s = x * x
    top = np.float32(-2.76076847742355e-16) * s + np.float32(2.00018790482477e-13)
    top = top * s + np.float32(-8.60467152213735e-11)
    top = top * s + np.float32(5.12229709037114e-08)
    top = top * s + np.float32(1.48572235717979e-05)
    top = top * s + np.float32(6.37261928875436e-04)
    top = top * s + np.float32(4.89352455891786e-03)
    bottom = np.float32(1.19825839466702e-06) * s + np.float32(1.18534705686654e-04)
    bottom = bottom * s + np.float32(2.26843463243900e-03)
    bottom = bottom * s + np.float32(4.89352518554385e-03)
    return x * top / bottom


@jit
def sigmoid(x: Any) -> Any:
    return np.float32(0.5) * tanh(np.float32(0.5) * x) + np.float32(0.5)


@jit
def affine(w_in: Floats, b: Floats, w_own: Floats, own: Floats, x: Floats, h: Floats, z: Floats, r: Floats) -> None:
    """z = W x + b and r = U h + b' of one step, (G H, lanes) each."""
    rows, size, lanes = z.shape[0], h.shape[0], x.shape[0]
    for row in range(rows):
        for lane in range(lanes):
            z[row, lane] = w_in[row] * x[lane] + b[row]
            r[row, lane] = own[row]
        for j in range(size):
            u = w_own[row, j]
            for lane in range(lanes):
                r[row, lane] += u * h[j, lane]


@jit
def learned(
    dz: Floats, dr: Floats, x: Floats, h: Floats, w_own: Floats,
    g_in: Floats, g_bias: Floats, g_own: Floats, g_own_bias: Floats, dh: Floats,
) -> None:  # fmt: skip
    """Add the gradients of one step's weights up, and what goes back to the old outputs."""
    rows, size, lanes = dz.shape[0], h.shape[0], x.shape[0]
    for row in range(rows):
        w = b = own = np.float32(0)
        for lane in range(lanes):
            w += dz[row, lane] * x[lane]
            b += dz[row, lane]
            own += dr[row, lane]
        g_in[row] += w
        g_bias[row] += b
        g_own_bias[row] += own
        for j in range(size):
            total, u = np.float32(0), w_own[row, j]
            for lane in range(lanes):
                total += dr[row, lane] * h[j, lane]
                dh[j, lane] += u * dr[row, lane]
            g_own[row, j] += total


@jit
def lstm_forward(z: Floats, r: Floats, c: Floats, h: Floats, new_c: Floats, new_h: Floats) -> None:
    """Gates i, f, g, o: c = f c + i g, h = o tanh c; z keeps the gates."""
    size, lanes = c.shape
    for unit in range(size):
        for lane in range(lanes):
            i = sigmoid(z[unit, lane] + r[unit, lane])
            f = sigmoid(z[size + unit, lane] + r[size + unit, lane])
            g = tanh(z[2 * size + unit, lane] + r[2 * size + unit, lane])
            o = sigmoid(z[3 * size + unit, lane] + r[3 * size + unit, lane])
            new_c[unit, lane] = f * c[unit, lane] + i * g
            new_h[unit, lane] = o * tanh(new_c[unit, lane])
            z[unit, lane], z[size + unit, lane], z[2 * size + unit, lane], z[3 * size + unit, lane] = i, f, g, o


@jit
def lstm_backward(z: Floats, r: Floats, c: Floats, h: Floats, new_c: Floats, dh: Floats, dc: Floats) -> None:
    """Gradients of the pre-activations take the places of the gates."""
    size, lanes = c.shape
    one = np.float32(1)
    for unit in range(size):
        for lane in range(lanes):
            i, f = z[unit, lane], z[size + unit, lane]
            g, o = z[2 * size + unit, lane], z[3 * size + unit, lane]
            tc = tanh(new_c[unit, lane])
            d = dc[unit, lane] + dh[unit, lane] * o * (one - tc * tc)
            z[unit, lane] = d * g * i * (one - i)
            z[size + unit, lane] = d * c[unit, lane] * f * (one - f)
            z[2 * size + unit, lane] = d * i * (one - g * g)
            z[3 * size + unit, lane] = dh[unit, lane] * tc * o * (one - o)
            dc[unit, lane] = d * f
            dh[unit, lane] = np.float32(0)
    r[:] = z


@jit
def gru_forward(z: Floats, r: Floats, c: Floats, h: Floats, new_c: Floats, new_h: Floats) -> None:
    """Gates r, u, n: n = tanh(W x + b + r (U h + b')), h = (1 - u) n + u h; z keeps the gates, r keeps U h + b'."""
    size, lanes = h.shape
    for unit in range(size):
        for lane in range(lanes):
            reset = sigmoid(z[unit, lane] + r[unit, lane])
            keep = sigmoid(z[size + unit, lane] + r[size + unit, lane])
            new = tanh(z[2 * size + unit, lane] + reset * r[2 * size + unit, lane])
            new_h[unit, lane] = new + keep * (h[unit, lane] - new)
            z[unit, lane], z[size + unit, lane], z[2 * size + unit, lane] = reset, keep, new


@jit
def gru_backward(z: Floats, r: Floats, c: Floats, h: Floats, new_c: Floats, dh: Floats, dc: Floats) -> None:
    """Gradients of W x + b take the places of the gates, those of U h + b' those of r."""
    size, lanes = h.shape
    one = np.float32(1)
    for unit in range(size):
        for lane in range(lanes):
            reset, keep, new = z[unit, lane], z[size + unit, lane], z[2 * size + unit, lane]
            d = dh[unit, lane]
            dn = d * (one - keep) * (one - new * new)
            dr = dn * r[2 * size + unit, lane] * reset * (one - reset)
            du = d * (h[unit, lane] - new) * keep * (one - keep)
            z[unit, lane], z[size + unit, lane], z[2 * size + unit, lane] = dr, du, dn
            r[unit, lane], r[size + unit, lane], r[2 * size + unit, lane] = dr, du, dn * reset
            dh[unit, lane] = d * keep


@jit
def read_out(w_out: Floats, b: Floats, h: Floats, targets: Floats, g_out: Floats, g_bias: Floats, dh: Floats) -> float:
    """Mean cross-entropy, and its gradients."""
    classes, (size, lanes) = w_out.shape[0], h.shape
    y = np.empty(classes, np.float32)
    loss = 0.0
    for lane in range(lanes):
        total = np.float32(0)
        for k in range(classes):
            y[k] = b[k]
            for j in range(size):
                y[k] += w_out[k, j] * h[j, lane]
            total += np.exp(y[k])
        loss += (np.log(total) - y[targets[lane]]) / lanes
        for k in range(classes):
            slope = (np.exp(y[k]) / total - (k == targets[lane])) / np.float32(lanes)
            g_bias[k] += slope
            for j in range(size):
                g_out[k, j] += slope * h[j, lane]
                dh[j, lane] += slope * w_out[k, j]
    return loss


@jit
def adam(weights: Floats, gradient: Floats, mean: Floats, square: Floats, rate: Any) -> None:
    for place in range(weights.size):
        g = gradient[place]
        mean[place] = BETA_1 * mean[place] + (np.float32(1) - BETA_1) * g
        square[place] = BETA_2 * square[place] + (np.float32(1) - BETA_2) * g * g
        weights[place] -= rate * mean[place] / (np.sqrt(square[place]) + EPSILON)


def stepped(gates: int, forward: Callable[..., None], backward: Callable[..., None]) -> Callable[..., Any]:
    """A cell's training step, compiled at its first call."""

    @jit
    def gradients(weights: Floats, gradient: Floats, x: Floats, targets: Floats, size: int, classes: int) -> Any:
        """The loss of inputs (T, lanes); the gradient is filled."""
        rows, (length, lanes) = gates * size, x.shape
        a, b, c = rows, rows * (1 + size), rows * (2 + size)
        d = rows * (3 + size)
        e = d + classes * size
        gradient[:] = np.float32(0)
        w_in, w_own, w_out = weights[:a], weights[a:b].reshape(rows, size), weights[d:e].reshape(classes, size)
        g_in, g_own, g_out = gradient[:a], gradient[a:b].reshape(rows, size), gradient[d:e].reshape(classes, size)
        z, r = np.empty((length, rows, lanes), np.float32), np.empty((length, rows, lanes), np.float32)
        h, s = np.zeros((length + 1, size, lanes), np.float32), np.zeros((length + 1, size, lanes), np.float32)
        for t in range(length):
            affine(w_in, weights[b:c], w_own, weights[c:d], x[t], h[t], z[t], r[t])
            forward(z[t], r[t], s[t], h[t], s[t + 1], h[t + 1])
        dh, ds = np.zeros((size, lanes), np.float32), np.zeros((size, lanes), np.float32)
        loss = read_out(w_out, weights[e:], h[length], targets, g_out, gradient[e:], dh)
        for back in range(length):
            t = length - 1 - back
            backward(z[t], r[t], s[t], h[t], s[t + 1], dh, ds)
            learned(z[t], r[t], x[t], h[t], w_own, g_in, gradient[b:c], g_own, gradient[c:d], dh)
        return loss

    return gradients


CELLS = {"lstm": (lstm_forward, lstm_backward), "gru": (gru_forward, gru_backward)}


def waves(count: int, scale: float) -> Floats:
    """Numbers that any language makes alike: ``scale`` sin(k)."""
    return (scale * np.sin(np.arange(1, count + 1))).astype(np.float32)


def measured(load: Workload) -> dict[str, float]:
    (size,), gates = load.sizes, GATES[load.cell]
    count = gates * size * (3 + size) + load.outputs * (size + 1)
    weights, gradient, mean, square = waves(count, 0.5), *(np.zeros(count, np.float32) for _ in range(3))
    x = waves(load.length * load.batch, 1.0).reshape(load.length, load.batch)
    targets = np.arange(load.batch) % load.outputs
    gradients = stepped(gates, *CELLS[load.cell])

    def step() -> float:
        loss = float(gradients(weights, gradient, x, targets, size, load.outputs))
        adam(weights, gradient, mean, square, RATE)
        return loss

    begun = time.perf_counter()
    loss = step()
    first, norm = time.perf_counter() - begun, float(np.sqrt((gradient.astype(np.float64) ** 2).sum()))
    times = []
    for _ in range(load.steps):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return {"first_s": first, "step_ms": 1000 * min(times), "loss": loss, "norm": norm}


if __name__ == "__main__":
    for load in read(sys.stdin.read()):
        print(json.dumps(measured(load)), flush=True)
