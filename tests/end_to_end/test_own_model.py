"""The walk of docs/own-model.md runs as printed, in its order, against a service that has seen nothing before."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from examples.process import started
from tests.processes import MemspanProcess

PAGE = (Path(__file__).parents[2] / "docs/own-model.md").read_text(encoding="utf-8")
PRINTED_ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_walk_runs_as_printed(tmp_path: Path) -> None:
    for block in blocks("python"):
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, check=True, timeout=120)
    contexts = []
    with started(MemspanProcess(tmp_path / "home", "serve", "--port", "0", "--workers", "1")) as process:
        address = process.address()
        commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("curl")]
        assert len(commands) >= 9
        for command in commands:
            shown = command.replace(PRINTED_ADDRESS, address).replace("curl ", "curl -w '%{stderr}%{http_code}' ", 1)
            done = subprocess.run(
                ["bash", "-ec", shown], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.stderr.strip()[-3:] in ("200", "201"), f"{command}\n{done.stdout[:500]}\n{done.stderr}"
            if '"context"' in command:
                contexts.append(json.loads(done.stdout)["result"]["y"])
    ours, theirs = map(torch.tensor, contexts)
    assert torch.allclose(ours, theirs, atol=1e-4), "the model and its ONNX form listen to the same steps"
    sent, back = load_file(tmp_path / "mine.safetensors"), load_file(tmp_path / "back.safetensors")
    assert all(torch.equal(each, back[name]) for name, each in sent.items())
