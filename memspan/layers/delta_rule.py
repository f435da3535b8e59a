"""The delta rule: a matrix that is corrected at every step towards the value that belongs to a key."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.layers.decayed_attention import in_rows, shares

ROW = 64
"""steps that are solved for together; from row to row it goes one after another"""


def delta_rule(q: Tensor, k: Tensor, v: Tensor, beta: Tensor, decay: Tensor) -> Tensor:
    """S <- α S, then S <- S + β k (v - Sᵀ k)ᵀ from S = 0, and o = Sᵀ q.

    Within a row the corrections u_t = β_t (v_t - (α_t S_{t-1})ᵀ k_t) follow from one triangular system, (1 + strictly
    lower (β K Kᵀ ⊙ G)) U = β (V - γ K S_0), with γ_t the share that is left since the row began and G_ts = γ_t / γ_s;
    then o = γ S_0ᵀ q + (Q Kᵀ ⊙ G) U.

    Shapes:
        q, k (P, T, K), v (P, T, V), beta (P, T, 1), decay = log α (P, T, 1) -> (P, T, V).

    Source:
        Yang, Kautz & Hatamizadeh (2024), arXiv 2412.06464, section 3.3; the WY form of Yang et al., arXiv 2406.06484.
    """
    steps = q.shape[1]
    row = min(steps, ROW)
    q, k, v, beta, decay = (in_rows(each, row) for each in (q, k, v, beta, decay))  # (P, n, row, ...)
    total = decay.cumsum(2)
    left = shares(total)
    scores = (q @ k.transpose(-1, -2)) * left
    if row == steps:
        made = scores @ _solved(k, beta * v, beta, left)
        return made.flatten(1, 2)
    began = total.exp()
    corrections = _solved(k, torch.cat([beta * v, beta * began * k], dim=-1), beta, left)
    made = _row_after_row(q * began, k, scores, corrections.split([v.shape[-1], k.shape[-1]], dim=-1), total)
    return made.flatten(1, 2)[:, :steps]


def _solved(k: Tensor, wanted: Tensor, beta: Tensor, left: Tensor) -> Tensor:
    """U of (1 + strictly lower (β K Kᵀ ⊙ G)) U = wanted, (P, n, row, ...)."""
    known = ((beta * k) @ k.transpose(-1, -2)) * left
    found: Tensor = torch.linalg.solve_triangular(known.tril(-1), wanted, upper=False, unitriangular=True)
    return found


def _row_after_row(q: Tensor, k: Tensor, scores: Tensor, solved: tuple[Tensor, ...], total: Tensor) -> Tensor:
    """Outputs (P, n, row, V) from what each row would do by itself, and what it makes of the matrix it begins with."""
    own, of_state = solved
    end = total[:, :, -1:]
    written = (k * (end - total).exp()).transpose(-1, -2)  # (P, n, K, row)
    state, made = k.new_zeros(k.shape[0], k.shape[-1], own.shape[-1]), []
    for row in range(k.shape[1]):
        u = own[:, row] - of_state[:, row] @ state
        made.append(q[:, row] @ state + scores[:, row] @ u)
        state = end[:, row].exp() * state + written[:, row] @ u
    return torch.stack(made, dim=1)


def kept(length: int, key: int, value: int) -> int:
    """Numbers of one head's sequence that its backward pass needs."""
    row = min(length, ROW)
    rows = -(-length // row)
    between = rows * key * value + length * (5 * key + 2 * value) if rows > 1 else 0
    return length * (5 * row + 2 * key + 2 * value) + between


def multiplications(length: int, key: int, value: int) -> int:
    """Of one head's sequence."""
    row = min(length, ROW)
    between = length * (3 * key * value + row * key) if row < length else 0
    return length * row * (2 * key + 2 * value) + between


def operations(length: int) -> int:
    rows = -(-length // ROW)
    return 14 + (20 + 8 * rows if rows > 1 else 0)
