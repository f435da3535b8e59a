"""``python -m benchmarks [feedforward latency overhead peers]``: measure and print Markdown tables."""

import sys

from benchmarks import feedforward, latency, overhead, peers
from benchmarks.report import machine

ALL = {
    "feedforward": feedforward.main,
    "latency": latency.main,
    "overhead": overhead.main,
    "peers": peers.main,
}

if __name__ == "__main__":
    print(machine(), "\n")
    for name in sys.argv[1:] or ALL:
        print(ALL[name](), flush=True)
