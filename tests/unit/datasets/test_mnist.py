"""MNIST's files: the original ones where they are there, and small ones of the same form always."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from memspan.datasets import mnist as room
from memspan.datasets.folder import data_folder
from memspan.datasets.mnist import is_present, mnist
from memspan.datasets.unavailable import DatasetDamaged, DatasetMissing
from memspan.interfaces.task import Split
from service.settings import load_settings
from tests.datasets import ORIGINAL_FILES, drawn, known, write

SPLITS: tuple[Split, Split] = ("train", "test")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a small MNIST in it."""
    monkeypatch.setattr(room, "FILES", write(tmp_path / "mnist"))
    monkeypatch.setattr(room, "MIRRORS", ())
    return tmp_path


@pytest.mark.parametrize("split", SPLITS)
def test_the_sets_are_what_is_known_of_them(split: Split) -> None:
    """Class counts, mean pixel and first labels: of the original files where they are there."""
    found = mnist(split, data_folder())
    assert found.pictures.shape == (sum(known(split).classes), 28, 28)
    assert found.pictures.dtype == torch.uint8
    assert found.labels.dtype == torch.int64
    assert found.labels.bincount(minlength=10).tolist() == known(split).classes
    assert found.labels[:10].tolist() == known(split).first
    assert float(found.pictures.double().mean() / 255) == pytest.approx(known(split).mean, abs=5e-6)


@pytest.mark.parametrize("split", SPLITS)
def test_what_the_files_hold_comes_back(small: Path, split: Split) -> None:
    found, (pictures, labels) = mnist(split, small), drawn(split)
    assert torch.equal(found.pictures, pictures)
    assert torch.equal(found.labels, labels)


def test_the_original_files_are_the_well_known_ones() -> None:
    assert {file.name: (file.size, file.sha256) for pair in ORIGINAL_FILES.values() for file in pair} == {
        "train-images-idx3-ubyte.gz": (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "train-labels-idx1-ubyte.gz": (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte.gz": (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte.gz": (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    }


def test_present_is_told_from_absent_and_damaged(small: Path, tmp_path: Path) -> None:
    assert is_present(small)
    assert not is_present(tmp_path / "elsewhere")
    path = small / "mnist" / "t10k-labels-idx1-ubyte.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\1")
    assert not is_present(small)
    with pytest.raises(DatasetDamaged, match=r"t10k-labels-idx1-ubyte\.gz in the folder of data sets"):
        mnist("test", small)
    path.write_bytes(whole)
    assert len(mnist("test", small)) == 200
    path.unlink()
    assert not is_present(small)


def test_a_missing_file_is_named(small: Path) -> None:
    (small / "mnist" / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(DatasetMissing, match=r"mnist/train-images-idx3-ubyte\.gz \(sha256 [0-9a-f]{64}\) is missing"):
        mnist("train", small)
    assert len(mnist("test", small)) == 200


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"MEMSPAN_HOME": "~/elsewhere"},
        {"MEMSPAN_HOME": "relative/home"},
        {"MEMSPAN_DATA": "~/sets"},
        {"MEMSPAN_DATA": "/sets", "MEMSPAN_HOME": "/home"},
        {"MEMSPAN_DATA": "", "MEMSPAN_HOME": ""},
    ],
)
def test_the_folder_is_the_one_that_the_service_s_settings_name(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("MEMSPAN_DATA", "MEMSPAN_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    assert data_folder() == load_settings().data
