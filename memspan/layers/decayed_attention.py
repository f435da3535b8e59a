"""Linear attention whose past fades: a matrix that is multiplied, written to and read at every step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from memspan.layers.scan import scan

ROW = 64
"""steps of a row where a head fades as one: within a row each step with each, in products of matrices"""
SHORT_ROW = 8
"""the same where each number of a key fades by itself, and no product of matrices does it"""


def decayed_attention(q: Tensor, k: Tensor, v: Tensor, decay: Tensor) -> Tensor:
    """S_t = diag(α_t) S_{t-1} + k_t v_tᵀ from S = 0, and o_t = S_tᵀ q_t.

    In rows: o = (Q Kᵀ ⊙ G) V with G_ts = exp(c_t - c_s), c the sum of log α, plus what S holds at the row's start.
    Every exponent is at most 0, so that nothing overflows however fast it fades. The matrices at the starts of rows
    are a scan of their own.

    Shapes:
        q, k (P, T, K), v (P, T, V), decay = log α <= 0 (P, T, 1) or (P, T, K) -> (P, T, V).

    Source:
        Sun et al. (2023), arXiv 2307.08621; Yang et al. (2023), arXiv 2312.06635; both section "chunkwise".
    """
    steps, vector = q.shape[1], decay.shape[2] > 1
    row = min(steps, SHORT_ROW if vector else ROW)
    q, k, v, decay = (in_rows(each, row) for each in (q, k, v, decay))  # (P, n, row, ...)
    total = decay.cumsum(2)
    scores = _faded_scores(q, k, total) if vector else (q @ k.transpose(-1, -2)) * shares(total)
    made = scores @ v
    if row < steps:
        made = made + (q * total.exp()) @ _starts(k, v, total)
    return made.flatten(1, 2)[:, :steps]


def in_rows(x: Tensor, row: int) -> Tensor:
    """(P, T, K) -> (P, n, row, K), zeros behind the last step."""
    rest = -x.shape[1] % row
    longer = pad(x, (0, 0, 0, rest)) if rest else x
    return longer.view(x.shape[0], -1, row, x.shape[2])


def shares(total: Tensor) -> Tensor:
    """What is left at t of what came at s <= t, exp(c_t - c_s), and 0 after t: (P, n, row, 1) -> (P, n, row, row).

    Masked ahead of the exponential: behind it 0 times infinity would be the slope.
    """
    gone = total - total.transpose(-1, -2)
    row = gone.shape[-1]
    later = torch.ones(row, row, dtype=torch.bool, device=gone.device).triu(1)
    return gone.masked_fill(later, -torch.inf).exp()


def _faded_scores(q: Tensor, k: Tensor, total: Tensor) -> Tensor:
    """Σ_k q_tk k_sk exp(c_tk - c_sk) for s <= t, each product by itself, (P, n, row, row)."""
    gone = total.unsqueeze(3) - total.unsqueeze(2)  # (P, n, t, s, K)
    row = gone.shape[2]
    later = torch.ones(row, row, dtype=torch.bool, device=gone.device).triu(1)
    left = gone.masked_fill(later.unsqueeze(-1), -torch.inf).exp()
    return ((k.unsqueeze(2) * left) @ q.unsqueeze(-1)).squeeze(-1)


def _starts(k: Tensor, v: Tensor, total: Tensor) -> Tensor:
    """S before each row, (P, n, K, V)."""
    end = total[:, :, -1:]  # (P, n, 1, 1 or K)
    written = (k * (end - total).exp()).transpose(-1, -2) @ v
    after = scan(end.exp().transpose(-1, -2).unsqueeze(0), written.unsqueeze(0))[0]
    return torch.cat([torch.zeros_like(after[:, :1]), after[:, :-1]], dim=1)


def kept(length: int, key: int, value: int, vector: bool) -> int:
    """Numbers of one head's sequence that its backward pass needs."""
    row = min(length, SHORT_ROW if vector else ROW)
    rows = -(-length // row)
    between = 4 * rows * key * value + length * key if rows > 1 else 0
    return length * (2 * row * key + 2 * key if vector else 3 * row) + between


def multiplications(length: int, key: int, value: int, vector: bool) -> int:
    """Of one head's sequence."""
    row = min(length, SHORT_ROW if vector else ROW)
    between = 2 * length * key * value if row < length else 0
    return length * row * ((3 if vector else 1) * key + value) + between


def operations(length: int, vector: bool) -> int:
    row = min(length, SHORT_ROW if vector else ROW)
    rows = -(-length // row)
    return (8 if vector else 7) + (22 + 3 * int(rows**0.5) if rows > 1 else 0)
