"""When the files of a data set are missing or damaged: a sentence with the file, its sha256 and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memspan.datasets import mnist
from memspan.datasets.download import sha256_of
from memspan.datasets.folder import data_folder
from tests.contract.problems import field_errors
from tests.contract.stage import SMALL, Stage

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "mnist_rows"}], "models": [{"kind": "rnn", "hidden_size": 2}], "training": SMALL, "repeats": 2
}  # fmt: skip
IMAGES = mnist.FILES["train"][0].name


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder without files, and no mirror to fetch them from."""
    monkeypatch.setenv("MEMSPAN_DATA", str(tmp_path))
    monkeypatch.setattr(mnist, "MIRRORS", ())
    return tmp_path


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder one of whose files is another."""
    for name in (file.name for pair in mnist.FILES.values() for file in pair):
        put(tmp_path, name, b"no pictures" if name == IMAGES else (data_folder() / "mnist" / name).read_bytes())
    monkeypatch.setenv("MEMSPAN_DATA", str(tmp_path))
    return tmp_path


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / "mnist").mkdir(exist_ok=True)
    (folder / "mnist" / name).write_bytes(data)


def failure(stage: Stage) -> str:
    """Why the runs of an experiment on MNIST failed."""
    experiment = stage.finish(SPEC)
    assert experiment["state"] == "failed"
    (told,) = stage.client.get(f"/results/{experiment['id']}").json()["failures"]
    assert (told["count"], told["reason"]) == (2, "data_unavailable")
    return str(told["detail"])


def test_runs_without_files_fail_with_a_sentence(stage: Stage, empty: Path) -> None:
    detail = failure(stage)
    assert f"The file mnist/{IMAGES} (sha256 {mnist.FILES['train'][0].sha256}) is missing" in detail
    assert "MEMSPAN_DATA" in detail
    assert str(empty) not in detail, "a path of the server is nobody's business"


def test_runs_on_damaged_files_fail_with_both_sha256(stage: Stage, damaged: Path) -> None:
    detail = failure(stage)
    assert f"its sha256 is {sha256_of(b'no pictures')}, expected {mnist.FILES['train'][0].sha256}" in detail
    assert "Delete it" in detail


def test_samples_without_files_are_refused_with_the_same_sentence(stage: Stage, empty: Path) -> None:
    answer = stage.client.post("/tasks/mnist_rows/samples", json={"count": 2})
    assert field_errors(answer) == {"#/task": "data_unavailable"}
    assert "t10k-images-idx3-ubyte.gz" in answer.json()["detail"]
    assert "put it there, or let MEMSPAN_DATA name" in answer.json()["detail"]
    assert str(empty) not in answer.text


def test_samples_of_damaged_labels_are_refused(stage: Stage, damaged: Path) -> None:
    put(damaged, "t10k-labels-idx1-ubyte.gz", b"no labels")
    answer = stage.client.post("/tasks/mnist_rows/samples", json={"task": {"view": "pixels"}, "count": 1})
    assert field_errors(answer) == {"#/task": "data_unavailable"}
    assert "t10k-labels-idx1-ubyte.gz in the folder of data sets" in answer.json()["detail"]
    assert str(damaged) not in answer.text
