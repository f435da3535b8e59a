"""Causal convolutions with kernels as long as the sequence."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

MOST_DIRECT_STEPS = 128
"""up to here one product of matrices for each channel; beyond, Fourier transforms are faster. Beyond, too, an earlier
answer knows of later steps what rounding leaves, which is far below what it is made of; up to here it knows nothing"""


def convolved(x: Tensor, kernel: Tensor) -> Tensor:
    """y_t = Σ_{s <= t} K_{t-s} x_s in each channel: (M, B, T, C) with a kernel (M, C, T) -> (M, B, T, C)."""
    return directly(x, kernel) if x.shape[2] <= MOST_DIRECT_STEPS else by_transforms(x, kernel)


def directly(x: Tensor, kernel: Tensor) -> Tensor:
    """By the triangle of all kernel[t - s], (M, C, T, T)."""
    steps = x.shape[2]
    turned = pad(kernel.flip(-1), (0, steps - 1))
    triangle = turned.unfold(-1, steps, 1).flip(-2)  # row t holds K_t, K_{t-1}, ..., K_0, 0, ...
    made: Tensor = triangle @ x.permute(0, 3, 2, 1)  # (M, C, T, B)
    return made.permute(0, 3, 2, 1)


def by_transforms(x: Tensor, kernel: Tensor) -> Tensor:
    """By Fourier transforms of twice the length: of T alone what is beyond the end would come back at the start."""
    length = 2 * x.shape[2]
    waves = torch.fft.rfft(x, length, dim=2) * torch.fft.rfft(kernel, length).transpose(1, 2).unsqueeze(1)
    made: Tensor = torch.fft.irfft(waves, length, dim=2)[:, :, : x.shape[2]]
    return made


def kept(length: int, channels: int) -> int:
    """Numbers of a sequence that its backward pass needs: the input again, or its transform."""
    return length * channels * (1 if length <= MOST_DIRECT_STEPS else 2)


def multiplications(length: int, channels: int) -> int:
    """Of one sequence; a transform of n numbers takes about n log2 n."""
    if length <= MOST_DIRECT_STEPS:
        return channels * length**2
    return channels * 2 * length * (2 * (2 * length).bit_length() + 3)
