"""Stored weights are plain safetensors."""

import safetensors.torch
import torch

from memspan.experiment.checkpoint import packed, unpacked


def test_packed_weights_are_the_bytes_that_safetensors_writes() -> None:
    for shapes in ({"b": (3,), "a": (2, 5)}, {"layer0.kernel": (1, 4), "readout.bias": (2,), "z": ()}):
        weights = {
            name: torch.randn(shape, generator=torch.Generator().manual_seed(1)) for name, shape in shapes.items()
        }
        assert packed(weights).data == safetensors.torch.save(weights)
        assert all(torch.equal(unpacked(packed(weights).data)[name], tensor) for name, tensor in weights.items())


def test_views_are_packed_by_their_numbers() -> None:
    table = torch.arange(12.0).reshape(3, 4)
    assert packed({"w": table.T}).data == packed({"w": table.T.contiguous()}).data


def test_unpacked_weights_have_one_order() -> None:
    """A landscape draws its directions weight by weight; with the library's own order no two processes agreed."""
    weights = {f"weight{index}": torch.zeros(1) for index in range(40)}
    assert list(unpacked(packed(weights).data)) == sorted(weights)
