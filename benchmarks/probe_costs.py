"""What answers to probes take beside what the model of cost says: the source of its constants for probes."""

import time
from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.report import Figure, table
from memspan.engine.seeds import stream
from memspan.experiment.placements import Placements
from memspan.experiment.probing import asked_seconds
from memspan.experiment.run import parse
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import trained
from memspan.probes import measure, probe

CASES: tuple[tuple[dict[str, Any], dict[str, Any], int, int], ...] = (
    ({"kind": "latch"}, {"kind": "lstm", "hidden_size": 2}, 10, 10),
    ({"kind": "latch"}, {"kind": "rnn", "hidden_size": 1}, 50, 30),
    ({"kind": "adding"}, {"kind": "lstm", "hidden_size": 16}, 100, 10),
    ({"kind": "adding"}, {"kind": "gru", "hidden_size": 4}, 50, 30),
    ({"kind": "first_last"}, {"kind": "tcn"}, 50, 5),
)
"""task, model, length, repeats; the weights are as they are drawn"""


def main() -> str:
    """Every probe of every case that it applies to, core seconds."""
    torch.set_num_threads(1)
    return table("Answers to probes: measured over modelled core seconds", list(figures()))


def figures() -> Iterator[Figure]:
    for task, model, length, members in CASES:
        placement = Placements(parse({"tasks": [task], "models": [model], "lengths": [length]}))[0]
        condition, network = placement.condition, placement.network
        weights = stack([network.initialize(stream(member, "init")) for member in range(members)])
        predictor, told = trained(network, weights, condition.signature), []
        for kind in probe.kinds():
            spec = probe.spec(kind).model_validate({"kind": kind})
            if spec.objection(condition.task, condition.extent, network):
                continue
            begun = time.process_time()
            measure(spec, predictor, condition.task, condition.extent, stream(1, kind))
            took, modelled = time.process_time() - begun, asked_seconds(spec, placement, members)
            told.append(f"{kind} {took:.2f} / {modelled:.2f}")
        yield Figure(f"{model['kind']}, {task['kind']}, T = {length}, {members} repeats", ", ".join(told))


if __name__ == "__main__":
    print(main())
