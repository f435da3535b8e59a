"""Tensor files: the bytes that safetensors writes, in parts and without copies."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch
from torch import Tensor

from memspan.interfaces.tensor_file import NoTensorFile, file_of, read

TENSORS: dict[str, dict[str, Tensor]] = {
    "weights": {"b": torch.arange(3.0), "a": torch.arange(10.0).reshape(2, 5), "z": torch.tensor(1.5)},
    "one": {"slot.mean": torch.tensor([float("nan"), -0.0, float("inf")])},
    "several types": {"w": torch.ones(3), "count": torch.arange(4), "wide": torch.ones(2, dtype=torch.float64)},
    "a name beyond ASCII": {'größe "x"': torch.ones(1)},
    "nothing in it": {"none": torch.empty(0)},
}


@pytest.mark.parametrize("metadata", [None, {"position": json.dumps({"epoch": 1, "loss": 0.1})}])
@pytest.mark.parametrize("name", TENSORS)
def test_a_file_is_what_the_library_writes_and_reads(name: str, metadata: dict[str, str] | None) -> None:
    tensors = TENSORS[name]
    data = file_of(tensors, metadata).data
    assert data == safetensors.torch.save(tensors, metadata)
    theirs = safetensors.torch.load(data)
    ours, found = read(data)
    assert found == (metadata or {})
    assert list(ours) == sorted(tensors)
    for each, tensor in tensors.items():
        assert ours[each].dtype == theirs[each].dtype == tensor.dtype
        assert ours[each].shape == tensor.shape
        assert ours[each].numpy().tobytes() == tensor.numpy().tobytes()


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_pieces_are_the_file_and_all_but_the_last_are_full(size: int) -> None:
    file = file_of(TENSORS["weights"])
    pieces = list(file.pieces(size))
    assert b"".join(pieces) == file.data
    assert {len(piece) for piece in pieces[:-1]} <= {size}
    assert file.size == len(file.data)


def test_a_file_shares_the_memory_of_its_tensors_and_of_what_it_is_read_from() -> None:
    """A hundred million weights are there once, not three times."""
    weights = torch.zeros(5)
    file = file_of({"w": weights})
    weights[2] = 1.0
    buffer = bytearray(file.data)
    (found,) = read(buffer)[0].values()
    assert found.tolist() == [0, 0, 1, 0, 0]
    buffer[-20:] = torch.full((5,), 7.0).numpy().tobytes()
    assert found.tolist() == [7.0] * 5


@pytest.mark.parametrize(
    "spoil",
    [lambda d: b"", lambda d: d[:5], lambda d: d[:40], lambda d: d[:-1], lambda d: b"\xff" * len(d),
     lambda d: d.replace(b"F32", b"Q99"), lambda d: d.replace(b"[0,", b"[9,"),
     lambda d: d.replace(b'"shape"', b'"shard"')],
)  # fmt: skip
def test_other_bytes_are_named_so(spoil: object) -> None:
    with pytest.raises(NoTensorFile):
        read(spoil(file_of(TENSORS["weights"]).data))  # type: ignore[operator]
