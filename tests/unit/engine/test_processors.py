"""Processors: compiled loops compute the same whatever registers hold; what torch computes names its kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from memspan.engine.processor import WIDE, processor_kind
from memspan.engine.snapshot import Position, Snapshot

ROOT = Path(__file__).parents[3]
TRAIN = """
import hashlib, json, torch
from memspan.engine.events import Finished
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.experiment.grid import conditions
from memspan.experiment.spec import ExperimentSpec
torch.set_num_threads(1)
found = {}
for name, spec in json.loads(%r).items():
    condition = conditions(ExperimentSpec.model_validate(spec))[0]
    trainer = Trainer(place(condition), range(2))
    *_, last = trainer.events()
    sha = hashlib.sha256(repr([each.metrics for each in last.outcomes.values()]).encode())
    for outcome in last.outcomes.values():
        for weights in (outcome.best, outcome.last):
            for tensor in weights.values():
                sha.update(tensor.contiguous().numpy().tobytes())
    found[name] = [trainer.engine, trainer.processor, sha.hexdigest()]
print(json.dumps(found))
"""
TASKS: dict[str, Any] = {"latch": 40, "adding": 30, "relay": 20, "binary_addition": 8, "first_last": 12}
MODELS = {
    "latch": {"kind": "rnn", "hidden_size": 1},
    "adding": {"kind": "lstm", "hidden_size": 12},
    "relay": {"kind": "power_law_lstm", "hidden_size": 3},
    "binary_addition": {"kind": "gru", "hidden_size": [5, 4]},
    "first_last": {"kind": "lstm", "hidden_size": 40, "bidirectional": True},
}
SPECS = {
    f"{model['kind']} on {task}": {
        "tasks": [{"kind": task}], "models": [model], "lengths": [TASKS[task]], "repeats": 2, "seed": 7,
        "training": {"train_size": 330, "validation_size": 100, "test_size": 100, "epochs": 2, "batch_size": 16},
    }
    for task, model in MODELS.items()
}  # fmt: skip
CONVOLUTION = {
    "cnn": {**SPECS["lstm on adding"], "models": [{"kind": "tcn"}]},
}
LESSER = {"MEMSPAN_PROCESSOR": "x86-64-v3", "ATEN_CPU_CAPABILITY": "avx2"}
"""AVX2 and no AVX-512"""
wide = pytest.mark.skipif(
    not torch.backends.cpu.get_cpu_capability().startswith("AVX"), reason="this processor has no AVX2 to compare with"
)


def trained(specs: dict[str, Any], **variables: str) -> Any:
    """What a process trains that takes itself to run on another processor."""
    environment = {**os.environ, "MEMSPAN_ENGINE": "auto", **variables}
    code = [sys.executable, "-c", TRAIN % json.dumps(specs)]
    done = subprocess.run(code, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def here() -> Iterator[Any]:
    """What this processor computes."""
    return trained(SPECS | CONVOLUTION)


@wide
def test_compiled_loops_compute_the_same_with_and_without_avx_512(here: Any) -> None:
    lesser = trained(SPECS, **LESSER)
    assert {name: lesser[name] for name in SPECS} == {name: here[name] for name in SPECS}
    assert {engine for engine, _, _ in lesser.values()} == {"fused"}
    assert {kind for _, kind, _ in lesser.values()} == {WIDE}


@wide
def test_what_torch_computes_names_the_kind_of_processor(here: Any) -> None:
    lesser = trained(CONVOLUTION, **LESSER)
    (engine, kind, _), (_, ours, _) = lesser["cnn"], here["cnn"]
    assert (engine, kind) == ("torch", "x86-64-v3 AVX2")
    assert ours == processor_kind("torch") != kind


@wide
def test_a_processor_without_avx_2_is_of_a_kind_of_its_own() -> None:
    """torch draws other data there."""
    lowest = {"MEMSPAN_PROCESSOR": "x86-64-v2", "ATEN_CPU_CAPABILITY": "default"}
    name = "rnn on latch"
    ((engine, kind, _),) = trained({name: SPECS[name]}, **lowest).values()
    assert (engine, kind) == ("fused", "x86-64-v2 DEFAULT")


def test_a_snapshot_says_on_which_kind_it_was_trained() -> None:
    snapshot = Snapshot(Position(1, 0, processor="znver4 AVX512"), {"weights": torch.zeros(1)})
    assert Snapshot.from_bytes(snapshot.to_bytes()).position.processor == "znver4 AVX512"
