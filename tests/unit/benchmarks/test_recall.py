"""The benchmark of recall: what peers are given, and that one which computes something else is found out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import against_torch_blocks, recall
from benchmarks.recall_models import BATCH, LENGTH, SPECS, TASK


def test_peers_are_given_the_answers_that_are_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "STEPS", 2)
    recall.handed_over(SPECS[0], tmp_path)
    stored = np.load(tmp_path / "attention.npz")
    assert stored["/tokens"].shape == (2, BATCH, LENGTH)
    assert stored["/steps"].shape == stored["/targets"].shape == (2, BATCH, TASK.pairs)
    keys = np.take_along_axis(stored["/tokens"], stored["/steps"], -1)
    assert ((keys > 0) & (keys < TASK.values)).all()
    assert (stored["/targets"] >= TASK.values).all()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_torch_finds_our_loss(spec: recall.BlockModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "STEPS", 2)
    ours = recall.handed_over(spec, tmp_path)
    found = against_torch_blocks.measured("eager", tmp_path / f"{spec.kind}.npz")
    assert found["loss"] == pytest.approx(ours, abs=recall.NEAR)
    assert found["step_ms"] > 0


def test_a_peer_with_another_loss_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "STEPS", 2)
    ours = recall.handed_over(SPECS[0], tmp_path)
    words = recall.PEERS["torch eager"]
    with pytest.raises(recall.OtherLoss, match="we find"):
        recall.peer(words, tmp_path, {"attention": ours + 0.1})
