"""The peak memory of a worker beside what plans say, for specs of different kinds."""

import json
import resource
import subprocess
import sys
from dataclasses import replace
from typing import Any

from benchmarks.report import Figure, table

LARGE = {"train_size": 20_000, "validation_size": 4_000, "test_size": 10_000, "epochs": 1}
SPECS: dict[str, dict[str, Any]] = {
    "latch, rnn(1), T = 50": {"task": {"kind": "latch"}, "model": {"kind": "rnn", "hidden_size": 1}, "length": 50},
    "latch, lstm(8), T = 500": {"task": {"kind": "latch"}, "model": {"kind": "lstm", "hidden_size": 8}, "length": 500},
    "adding, gru(32), T = 1000, batch 256": {
        "task": {"kind": "adding"}, "model": {"kind": "gru", "hidden_size": 32}, "length": 1000,
        "training": {"batch_size": 256, "train_size": 512, "validation_size": 256, "test_size": 4_000},
    },
    "adding, lstm(128), T = 200, batch 64": {
        "task": {"kind": "adding"}, "model": {"kind": "lstm", "hidden_size": 128}, "length": 200,
        "training": {"batch_size": 64, "train_size": 256, "validation_size": 128, "test_size": 2_000},
    },
    "adding, rnn(512), T = 500, batch 64": {
        "task": {"kind": "adding"}, "model": {"kind": "rnn", "hidden_size": 512}, "length": 500,
        "training": {"batch_size": 64, "train_size": 128, "validation_size": 64, "test_size": 256},
    },
    "first_last, tcn, T = 200": {
        "task": {"kind": "first_last"}, "model": {"kind": "tcn"}, "length": 200,
        "training": {"batch_size": 128, "train_size": 512, "validation_size": 256, "test_size": 4_000},
    },
    "first_last, cnn, T = 1000": {
        "task": {"kind": "first_last"}, "model": {"kind": "cnn"}, "length": 1000,
        "training": {"train_size": 4_000, "validation_size": 1_000, "test_size": 10_000},
    },
    "regression, mlp 4 x 1000": {
        "task": {"kind": "regression"}, "model": {"kind": "mlp", "hidden_size": [1000, 1000, 1000, 1000]},
        "length": None, "training": {"batch_size": 256, "train_size": 2_000},
    },
    "latch, min_lstm(256), T = 1000": {
        "task": {"kind": "latch"}, "model": {"kind": "min_lstm", "hidden_size": 256}, "length": 1000,
        "training": {"batch_size": 16, "train_size": 64, "validation_size": 32, "test_size": 500},
    },
    "copy, lstm(16), T = 500": {
        "task": {"kind": "copy"}, "model": {"kind": "lstm", "hidden_size": 16}, "length": 500,
        "training": {"train_size": 2_000, "validation_size": 500, "test_size": 2_000},
    },
    "adding, gru(8), T = 100, per repeat": {
        "task": {"kind": "adding"}, "model": {"kind": "gru", "hidden_size": 8}, "length": 100,
        "training": {"data": "per_repeat"}, "repeats": 10,
    },
    "latch, rnn(7), T = 1000, batch 8192": {
        "task": {"kind": "latch"}, "model": {"kind": "rnn", "hidden_size": 7}, "length": 1000,
        "training": {"batch_size": 8_192, "train_size": 8_192, "validation_size": 1_000, "test_size": 1_000},
    },
    # The four below are giants at a tenth of their size: 11 GB and more where their sets lay in memory as a whole.
    "latch, min_lstm(400), T = 10 000, batch 3": {
        "task": {"kind": "latch"}, "model": {"kind": "min_lstm", "hidden_size": 400}, "length": 10_000,
        "training": {"batch_size": 3, "train_size": 3, "validation_size": 3, "test_size": 12},
    },
    "copy in ten channels, lstm(1), T = 9 900": {
        "task": {"kind": "copy", "form": "power_law"}, "model": {"kind": "lstm", "hidden_size": 1}, "length": 9_900,
        "training": {"train_size": 400, "validation_size": 200, "test_size": 400},
    },
    "latch, lstm(64), T = 200, 100 000 to test": {
        "task": {"kind": "latch"}, "model": {"kind": "lstm", "hidden_size": 64}, "length": 200,
        "training": {"train_size": 64, "validation_size": 64, "test_size": 100_000},
    },
    "latch, rnn(7), T = 1000, batch 32 768, fresh": {
        "task": {"kind": "latch"}, "model": {"kind": "rnn", "hidden_size": 7}, "length": 1000,
        "training": {
            "batch_size": 32_768, "train_size": 32_768, "validation_size": 1_000, "test_size": 1_000, "data": "fresh",
        },
    },
}  # fmt: skip


def spec(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "tasks": [asked["task"]], "models": [asked["model"]],
        **({"lengths": [asked["length"]]} if asked["length"] else {}),
        "training": LARGE | asked.get("training", {}), "repeats": asked.get("repeats", 5),
    }  # fmt: skip


def measured(name: str) -> tuple[int, int, int]:
    """Planned and real peak bytes of a worker that trains the first stack, and what it holds before."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peak_memory", name], check=True, capture_output=True, text=True
    )
    planned, peak, before = json.loads(done.stdout.splitlines()[-1])
    return planned, peak, before


def worker(name: str) -> str:
    """What one worker holds, as JSON: imported here, so that nothing else is in it."""
    import torch

    import workers.loop  # noqa: F401  what a worker imports
    from memspan.engine.events import Finished
    from memspan.engine.fused.warming import warm
    from memspan.engine.trainer import Trainer
    from memspan.experiment.placements import Placements
    from memspan.experiment.run import parse

    torch.set_num_threads(1)
    warm()
    placement = Placements(parse(spec(SPECS[name])))[0]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for seed in (0, 1):  # a second set of data takes the place of the first
        trained = replace(placement, condition=replace(placement.condition, seed=seed))
        for event in Trainer(trained, range(min(placement.width, SPECS[name].get("repeats", 5)))).events():
            if isinstance(event, Finished):
                break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return json.dumps([placement.peak_bytes, peak, before])


def main() -> str:
    """Planned beside real peaks."""
    figures = []
    for name in SPECS:
        planned, peak, before = measured(name)
        told = [f"{size / 2**20:.0f} MiB" for size in (planned, peak, before)]
        words = f"planned {told[0]}, real {told[1]} ({told[2]} before): {planned / peak:.2f} x"
        figures.append(Figure(name, words, ".75 to 1.25 x"))
    return table("Peak memory of a worker", figures)


if __name__ == "__main__":
    print(worker(sys.argv[1]))
