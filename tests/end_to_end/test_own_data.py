"""The walk through one's own data runs as printed, from a file to results."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from examples.process import started
from tests.processes import Client, MemspanProcess
from tests.waiting import until

PAGE = (Path(__file__).parents[2] / "docs" / "own-data.md").read_text(encoding="utf-8")
PRINTED_ADDRESS = "http://127.0.0.1:8000"


def test_the_walk_through_own_data_runs_as_printed(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 5
    with started(MemspanProcess(tmp_path / "home", "serve", "--port", "0", "--workers", "1")) as process:
        client = Client(process.address())
        for block in blocks:
            shown = block.replace(PRINTED_ADDRESS, process.address()).replace("curl -s", "curl -sS --fail-with-body")
            done = subprocess.run(["bash", "-ec", shown], cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{block}\n{done.stdout[:500]}\n{done.stderr}"
        until(lambda: client.get("/experiments/exp-1")["state"] == "succeeded", 120, "the forecasts to be trained")
        results = client.get("/results/exp-1")
        names = {each["name"] for each in results["baselines"]}
        assert {"training_mean", "persistence", "ridge"} <= names
        assert [each["length"] for each in results["conditions"]] == [1, 4, 12]
    stored = list((tmp_path / "home" / "datasets").glob("*.safetensors"))
    assert [len(path.stem) for path in stored] == [64], "kept under the home by its digest"
