"""``python -m benchmarks [name ...]``: measure what ALL names, or some of it, and print Markdown tables."""

import sys

from benchmarks import (
    adding,
    attribution,
    feedforward,
    latch,
    latency,
    layers,
    overhead,
    peers,
)
from benchmarks.report import machine

ALL = {
    "adding": adding.main,
    "attribution": attribution.main,
    "feedforward": feedforward.main,
    "latch": latch.main,
    "latency": latency.main,
    "layers": layers.main,
    "overhead": overhead.main,
    "peers": peers.main,
}

if __name__ == "__main__":
    print(machine(), "\n")
    for name in sys.argv[1:] or ALL:
        print(ALL[name](), flush=True)
