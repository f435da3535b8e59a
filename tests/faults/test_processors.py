"""Hosts of different processors: two real local workers, one of which computes as a lesser processor would."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.process import started
from memspan.engine.processor import WIDE, processor_kind
from tests.faults.disturbance import ENOUGH_SECONDS, names, numbers_of, under_way
from tests.processes import Client, MemspanProcess
from tests.waiting import until

LESSER = {"MEMSPAN_PROCESSOR": "x86-64-v3", "ATEN_CPU_CAPABILITY": "avx2"}
"""AVX2 and no AVX-512: the compiler and torch both make code for that"""
TRAINING = {"batch_size": 8, "validation_size": 64, "test_size": 64}
COMPILED: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "lstm", "hidden_size": 2}, {"kind": "gru", "hidden_size": 3}],
    "lengths": list(range(40, 60)),
    "training": {**TRAINING, "train_size": 8_000, "epochs": 2},
    "repeats": 2,
}
"""stacks of the fused engine that take each worker some tenths of a second"""
TORCH: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "mlp"}],
    "lengths": [32],
    "training": {**TRAINING, "train_size": 4_000, "epochs": 20},
    "repeats": 2,
}
"""a stack whose products torch computes, some seconds long"""
OTHER = """
import json, sys
from tests.faults.disturbance import numbers_of
print(json.dumps(numbers_of(json.loads(sys.argv[1]))))
"""


@contextlib.contextmanager
def worker(serve: MemspanProcess, client: Client, name: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A local worker of a service's home, as ``memspan serve`` starts them, with a processor of its own."""
    before = names(client)
    log = serve.home / f"{name}.log"
    with log.open("ab") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "workers"], stdin=subprocess.PIPE, stdout=lines, stderr=lines,
            env={**serve.environment, **variables},
        )  # fmt: skip
    try:
        until(lambda: names(client) - before, ENOUGH_SECONDS, f"the worker {name}")
        yield process
    finally:
        process.kill()
        process.communicate()


def stacks_done(home: Path, name: str) -> int:
    return (home / f"{name}.log").read_text().count('"fate": "DONE"')


def numbers_on(spec: Mapping[str, Any], **variables: str) -> Any:
    """What an undisturbed process trains that takes itself to run on another processor."""
    command = [sys.executable, "-c", OTHER, json.dumps(spec)]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def processors(client: Client, experiment: str) -> set[str]:
    return {str(client.get(f"/runs/{run['id']}")["processor"]) for run in client.runs(experiment)}


def ended(client: Client, experiment: str) -> None:
    assert client.ended(experiment, ENOUGH_SECONDS)["state"] == "succeeded"


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    not torch.backends.cpu.get_cpu_capability().startswith("AVX"), reason="this processor has no AVX2 to compare with"
)
def test_hosts_of_different_processors_train_one_experiment_and_say_whose_numbers_are_whose(tmp_path: Path) -> None:
    """Compiled loops compute the same on both. Torch does not: a run names its kind, and goes on there alone."""
    here = processor_kind("torch")
    with started(MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "0")) as serve:
        client = Client(serve.address())
        with worker(serve, client, "lesser", **LESSER):
            alone = client.submit(TORCH)
            ended(client, alone)
            (there,) = processors(client, alone)
            assert there != here
            assert client.numbers(alone) == numbers_on(TORCH, **LESSER)

            cut_off = client.submit(TORCH)
            under_way(client, cut_off)
        assert client.experiment(cut_off)["progress"]["completed"] > 0, "the lesser worker was killed in the middle"

        with worker(serve, client, "whole"):
            ended(client, cut_off)
            told = [body for _, kind, body in client.events(cut_off) if kind == "other_processor"]
            assert sorted(each["repeat"] for each in told) == [0, 1]
            assert processors(client, cut_off) == {here}
            assert client.numbers(cut_off) == numbers_of(TORCH)

            client.post(f"/experiments/{alone}/extend", {"repeats": 1}, status=202)
            ended(client, alone)
            assert processors(client, alone) == {here, there}
            (condition,) = client.get(f"/results/{alone}")["conditions"]
            assert condition["processors"] == sorted([here, there])
            page = client.request("GET", f"/results/{alone}", headers={"Accept": "text/html"}).text
            assert "numbers of 2 kinds of processors mixed" in page

            before = stacks_done(tmp_path, "lesser"), stacks_done(tmp_path, "whole")
            with worker(serve, client, "lesser", **LESSER):
                shared = client.submit(COMPILED)
                ended(client, shared)
                after = stacks_done(tmp_path, "lesser"), stacks_done(tmp_path, "whole")
                assert all(more > less for less, more in zip(before, after, strict=True)), "both trained some of it"
                assert processors(client, shared) == {WIDE}
                assert client.numbers(shared) == numbers_of(COMPILED)
