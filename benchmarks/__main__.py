"""``python -m benchmarks [name ...]``: measure what ALL names, or some of it, and print Markdown tables."""

import sys

from benchmarks import (
    adding,
    addition,
    attribution,
    engine_latch,
    engine_one_step,
    engine_peak,
    engine_relay,
    engine_scaling,
    engine_stacked,
    feedforward,
    first_last,
    latch,
    latency,
    layers,
    mnist,
    one_step,
    overhead,
    peers,
    rates,
)
from benchmarks.report import machine

ALL = {
    "adding": adding.main,
    "addition": addition.main,
    "attribution": attribution.main,
    "engine_latch": engine_latch.main,
    "engine_one_step": engine_one_step.main,
    "engine_peak": engine_peak.main,
    "engine_relay": engine_relay.main,
    "engine_scaling": engine_scaling.main,
    "engine_stacked": engine_stacked.main,
    "feedforward": feedforward.main,
    "first_last": first_last.main,
    "latch": latch.main,
    "latency": latency.main,
    "layers": layers.main,
    "mnist": mnist.main,
    "one_step": one_step.main,
    "overhead": overhead.main,
    "peers": peers.main,
    "rates": rates.main,
}

if __name__ == "__main__":
    print(machine(), "\n")
    for name in sys.argv[1:] or ALL:
        print(ALL[name](), flush=True)
