"""Models of one's own: how long their process takes to start, their probes beside Captum's, and one step at a time."""

import json
import os
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.peers import PEERS
from benchmarks.report import Figure, table
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.engine.condition import Condition
from memspan.engine.seeds import stream
from memspan.exchange.layouts import Origin
from memspan.exchange.onnx_admission import Wish, admitted
from memspan.exchange.onnx_graph import graph
from memspan.exchange.onnx_runner import OnnxRunner
from memspan.experiment.stepping import stepping_of
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained
from memspan.models import model
from memspan.probes.occlusion import occluded, windows
from memspan.tasks import sample, task
from memspan.training import Training

LENGTH, SEQUENCES, UNITS = 100, 100, 64
STARTS, STEPS = 7, 1_000


def model_of(units: int = UNITS) -> tuple[Condition, dict[str, Tensor]]:
    """An LSTM as it starts, for the latch."""
    spec = model.spec("lstm").model_validate({"kind": "lstm", "hidden_size": units})
    latch = task.spec("latch").model_validate({"kind": "latch"})
    condition = Condition(latch, spec, LENGTH, Training(), 1)
    return condition, condition.network().initialize(stream(1))


def exported(condition: Condition, weights: dict[str, Tensor]) -> bytes:
    return graph(condition, weights, Origin("ckpt-1", "0" * 64, 1))


def imported(condition: Condition, weights: dict[str, Tensor]) -> Predictor:
    """The model, written as ONNX and brought back in."""
    data = exported(condition, weights)
    samples = sample(condition.task, LENGTH, 20, stream(2)).inputs
    return admitted(data, Wish(), condition.signature, samples).predictor([data], condition.signature)


def main() -> str:
    """Milliseconds of starts and steps, and the ratio to Captum."""
    figures = [_start(), _step(), _captum()]
    return table("Models of one's own", figures)


def _start() -> Figure:
    """From nothing to the first answer to one sequence."""
    condition, weights = model_of()
    data, first = exported(condition, weights), torch.zeros(1, LENGTH, 1)
    samples = sample(condition.task, LENGTH, 20, stream(2)).inputs
    found, taken = admitted(data, Wish(), condition.signature, samples), []
    for _ in range(STARTS):
        begun = time.perf_counter()
        OnnxRunner(found, data, condition.signature).answer(first)
        taken.append(time.perf_counter() - begun)
    return Figure("An imported model's process, from its start to its first answer", f"{1000 * median(taken):.0f} ms",
                  "<= 300 ms")  # fmt: skip


def _step() -> Figure:
    """One step of one sequence, with the state handed on, without HTTP."""
    condition, weights = model_of(16)
    stepping = stepping_of(trained(condition.network(), stack([weights]), condition.signature))
    assert stepping is not None
    state, taken = None, []
    for _ in range(STEPS):
        begun = time.perf_counter()
        _, state = stepping.run(torch.zeros(1, 1, 1), state)
        taken.append(time.perf_counter() - begun)
    return Figure("One step of an LSTM(16), its state handed on", f"{1000 * median(taken):.2f} ms", "<= 3 ms")


def sequences(condition: Condition) -> Batch:
    """Those that are asked about."""
    return sample(condition.task, LENGTH, SEQUENCES, stream(1))


def _ours() -> tuple[Tensor, float]:
    """What each step's hiding takes from the true class's probability, (B, T), and the seconds of that."""
    condition, weights = model_of()
    runner, batch = imported(condition, weights), sequences(condition)
    selected = SelectedAnswer(condition.signature, LENGTH - 1)

    def lost(hidden: Tensor, whole: Tensor, targets: Tensor) -> Tensor:
        return selected.number(whole, targets) - selected.number(hidden, targets)

    nothing, places, seconds = torch.zeros_like(batch.inputs), windows(LENGTH, 1, 1), []
    for _ in range(3):  # the first starts the process
        begun = time.perf_counter()
        found = occluded(runner, batch, nothing, places, lost, condition.signature)[0]
        seconds.append(time.perf_counter() - begun)
    return found, min(seconds)


def _captum() -> Figure:
    name = f"Occlusion of {LENGTH} steps, {SEQUENCES} sequences, an imported LSTM({UNITS})"
    if not list(PEERS.glob("lib/python3*/site-packages/captum")):
        return Figure(name, "Captum is not installed (make bench installs it into .venv-peers)")
    path = os.pathsep.join([sysconfig.get_paths()["purelib"], str(Path.cwd())])
    with tempfile.TemporaryDirectory() as folder:
        numbers = Path(folder) / "numbers.safetensors"
        command = [str(PEERS.absolute() / "bin/python"), "-m", "benchmarks.against_captum_onnx", str(numbers)]
        said = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True
        )
        theirs = load_file(numbers)["occlusion"]
    mine, seconds = _ours()
    peer_seconds = json.loads(said.stdout.splitlines()[-1])["seconds"]
    apart = float((mine - theirs).abs().max() / theirs.abs().max())
    times = f"{seconds:.2f} s against {peer_seconds:.2f} s ({peer_seconds / seconds:.1f}x)"
    return Figure(name, f"{times}; {apart:.0e} of the largest apart", ">= 3x Captum's in torch")


if __name__ == "__main__":
    print(main())
