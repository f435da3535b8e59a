"""``python -m benchmarks [name ...]``: measure what ALL names, or some of it, and print Markdown tables."""

import sys

from benchmarks import (
    adding,
    addition,
    attribution,
    feedforward,
    first_last,
    latch,
    latency,
    layers,
    overhead,
    peers,
    rates,
)
from benchmarks.report import machine

ALL = {
    "adding": adding.main,
    "addition": addition.main,
    "attribution": attribution.main,
    "feedforward": feedforward.main,
    "first_last": first_last.main,
    "latch": latch.main,
    "latency": latency.main,
    "layers": layers.main,
    "overhead": overhead.main,
    "peers": peers.main,
    "rates": rates.main,
}

if __name__ == "__main__":
    print(machine(), "\n")
    for name in sys.argv[1:] or ALL:
        print(ALL[name](), flush=True)
