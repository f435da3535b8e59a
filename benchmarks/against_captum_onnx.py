"""Captum's occlusion of every step of a torch LSTM: its seconds as JSON, its numbers into a file.

    python -m benchmarks.against_captum_onnx numbers.safetensors

Runs in the environment that has Captum, with our packages on the path; ``python -m benchmarks.own_models`` starts it,
which asks the same of the model as ONNX.
"""

import json
import sys
import time
from pathlib import Path

import torch
from captum.attr import Occlusion
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.own_models import model_of, sequences
from memspan.exchange.layouts import arranged


class Module(torch.nn.Module):
    """The model in torch, which answers with probabilities."""

    def __init__(self, channels: int, units: int, outputs: int) -> None:
        super().__init__()
        self.recurrent = torch.nn.LSTM(channels, units, batch_first=True)
        self.readout = torch.nn.Linear(units, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, K)."""
        found: Tensor = self.readout(self.recurrent(x)[0][:, -1]).softmax(-1)
        return found


def main(path: Path) -> None:
    """The faster of two goes."""
    torch.set_num_threads(1)
    condition, weights = model_of()
    module = Module(condition.signature.channels, *weights["readout.kernel"].shape)
    module.load_state_dict(arranged(condition, weights, "torch"))
    batch, seconds = sequences(condition), []
    for _ in range(2):
        start = time.perf_counter()
        with torch.no_grad():
            found = Occlusion(module).attribute(batch.inputs, (1, 1), target=batch.targets)[..., 0]
        seconds.append(time.perf_counter() - start)
    save_file({"occlusion": found.contiguous()}, path)
    print(json.dumps({"seconds": min(seconds)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
