"""Today's models on associative recall: what a run costs, and a step beside torch eager, torch.compile and JAX.

``python -m benchmarks recall`` prints it. Each peer has a process of its own on one core, is given our weights and our
batches, and must find our loss for the first of them: else it computes something else. ``MEMSPAN_PEER_KINDS`` names the
peers that are asked, all by default; torch.compile takes minutes.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from benchmarks.modern import fastest
from benchmarks.peer import missing, python
from benchmarks.recall_models import BATCH, LENGTH, SPECS, TASK
from benchmarks.report import Figure, table
from memspan.engine.condition import Condition
from memspan.engine.denormals import denormals_flushed
from memspan.engine.placement import Placement
from memspan.engine.seeds import stream
from memspan.engine.trainer import Trainer
from memspan.interfaces.batch import IGNORED
from memspan.layers.block_model import BlockModel
from memspan.models import build
from memspan.tasks import sample
from memspan.training import Training

STEPS, RUN = 24, 1_500
"""optimiser steps that are timed, and those of a run in the calibration"""
NEAR = 1e-3
"""how far a peer's loss may be from ours, in nats: rounding of float32 through two blocks"""
PEERS = {
    "torch eager": ("against_torch_blocks", "eager"),
    "torch.compile": ("against_torch_blocks", "compile"),
    "JAX": ("against_jax_blocks",),
}
Found = Mapping[str, Mapping[str, float]]


class OtherLoss(AssertionError):
    """A peer computes something else than we do."""


def main() -> str:
    """Steps and runs of every model, one core."""
    asked = os.environ.get("MEMSPAN_PEER_KINDS", ",".join(PEERS)).split(",")
    with tempfile.TemporaryDirectory() as folder:
        losses = {spec.kind: handed_over(spec, Path(folder)) for spec in SPECS}
        peers = {name: peer(PEERS[name], Path(folder), losses) for name in asked}
    figures = [figure for spec in SPECS for figure in rows(spec, peers)]
    absent = [Figure(name, missing(PEERS[name][0])) for name, found in peers.items() if found is None]
    title = f"Recall, {TASK.pairs} pairs, T = {LENGTH}, width 32, 2 blocks, batch {BATCH}, one core"
    return table(title, [*figures, *absent])


def rows(spec: BlockModel, peers: Mapping[str, Found | None]) -> list[Figure]:
    """Ours, and what each peer takes for the same."""
    one, four = (step_ms(spec, members) for members in (1, 4))
    words = f"{one:.1f} ms, {1000 / one:.0f} steps/s, a run of {RUN:,} steps {one * RUN / 1000:.0f} s; "
    found = [Figure(spec.kind, f"{words}of four {four / 4:.1f} ms each")]
    for name, measured in peers.items():
        if measured is not None:
            theirs = measured[spec.kind]["step_ms"]
            ahead = measured[spec.kind].get("compile_s", measured[spec.kind].get("first_s", 0.0))
            said = f"{theirs:.1f} ms: {theirs / one:.1f}x, {4 * theirs / four:.1f}x of four; {ahead:.1f} s ahead of it"
            found.append(Figure(f"the same by {name}", said, ">= 1x"))
    return found


def step_ms(spec: BlockModel, members: int) -> float:
    """Processor milliseconds of a step of a whole stack, the fastest third on average."""
    training = Training(batch_size=BATCH, train_size=BATCH * (STEPS + 2), validation_size=8, test_size=8, epochs=1)
    condition = Condition(TASK, spec, LENGTH, training, seed=0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with denormals_flushed():
            placement = Placement(condition, condition.network(), "cpu", "torch", members)
            events = Trainer(placement, tuple(range(members))).events()
            next(events)
            return fastest(lambda: next(events))
    finally:
        torch.set_num_threads(before)


def handed_over(spec: BlockModel, folder: Path) -> float:
    """Write a model's first weights and its batches for peers, and tell the loss of the first batch."""
    network = build(spec, TASK.signature(LENGTH))
    weights = network.initialize(stream("weights", spec.kind))
    drawn = [sample(TASK, LENGTH, BATCH, stream("batch", step)) for step in range(STEPS)]
    targets = torch.stack([batch.targets for batch in drawn])
    steps = (targets != IGNORED).to(torch.uint8).sort(dim=-1, descending=True, stable=True).indices[..., : TASK.pairs]
    given = {
        "/tokens": torch.stack([batch.inputs[..., 0] for batch in drawn]).long(),
        "/steps": steps,
        "/targets": targets.gather(-1, steps),
    }
    named = {name: each.numpy() for name, each in (weights | given).items()}
    np.savez(folder / f"{spec.kind}.npz", allow_pickle=False, **named)
    with torch.no_grad():
        leaves = {name: each.unsqueeze(0) for name, each in weights.items()}
        outputs = network.answer_at(leaves, drawn[0].inputs[None], steps[0][None])
    return float(torch.nn.functional.cross_entropy(outputs.flatten(0, 2), given["/targets"][0].flatten()))


def peer(words: tuple[str, ...], folder: Path, losses: Mapping[str, float]) -> Found | None:
    """What a peer took for each model; None where it isn't installed.

    Raises:
        OtherLoss: it found another loss than we did.
    """
    interpreter = python(words[0])
    if interpreter is None:
        return None
    files = [str(folder / f"{kind}.npz") for kind in losses]
    pinned = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] if sys.platform == "linux" else []
    command = [*pinned, str(interpreter), "-m", f"benchmarks.{words[0]}", *words[1:], *files]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = dict(zip(losses, lines, strict=True))
    for kind, loss in losses.items():
        if abs(found[kind]["loss"] - loss) > NEAR:
            raise OtherLoss(f"{' '.join(words)} finds a loss of {found[kind]['loss']} for {kind}, we find {loss}.")
    return found


if __name__ == "__main__":
    print(main())
