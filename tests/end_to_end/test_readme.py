"""What README shows runs as printed, in its order, against a service that has seen nothing before."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.process import started
from tests.processes import Client, MemspanProcess

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
PRINTED_ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def curl_commands() -> list[str]:
    """Each curl of README; one may go over several lines."""
    text = "".join(block for block in blocks("sh") if block.startswith("curl"))
    return [command.strip() for command in re.split(r"^(?=curl )", text, flags=re.MULTILINE) if command.strip()]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    with started(MemspanProcess(tmp_path / "home", "serve", "--port", "0", "--workers", "2")) as process:
        yield process.address()


def test_the_curl_lines_of_the_readme_run_as_printed(served: str, tmp_path: Path) -> None:
    client = Client(served)
    commands = curl_commands()
    assert len(commands) >= 15
    for command in commands:
        shown = command.replace(PRINTED_ADDRESS, served)
        status = subprocess.run(
            ["bash", "-ec", shown.replace("curl ", "curl -w '%{stderr}%{http_code}' ", 1)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        code = int(status.stderr.strip()[-3:])
        if "DELETE" in command and "dry_run" in command:
            rates = [c["success"]["rate"] for c in client.get("/results/exp-1")["conditions"]]
            assert rates == [1.0] * len(rates), "what is probed has solved its task"
        if "ckpt-1/probes" in command:
            found = json.loads(status.stdout)["result"]["values"]["median_change"]
            assert found < -90, "the model is seen to use the step that carries the bit"
        wrong = '"hidden_size": 1000000' in command
        assert code == 422 if wrong else 200 <= code < 300, f"{command}\n{status.stdout[:500]}\n{status.stderr}"
    assert client.request("GET", "/experiments/exp-1").status_code == 404, "the last line deletes it"
    assert (tmp_path / "score.png").read_bytes().startswith(b"\x89PNG")


def test_the_notebook_lines_of_the_readme_run_as_printed() -> None:
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102, README is ours
