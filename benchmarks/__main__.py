"""``python -m benchmarks [name or group ...]``: measure, and print Markdown tables."""

import sys

from benchmarks import (
    adding,
    addition,
    attribution,
    claims,
    convergence,
    crossover,
    engine_latch,
    engine_one_step,
    engine_peak,
    engine_relay,
    engine_scaling,
    engine_stacked,
    estimates,
    feedforward,
    first_last,
    history,
    hostile,
    latch,
    latency,
    layers,
    mnist,
    modern,
    one_step,
    overhead,
    own_models,
    peak_memory,
    peers,
    plans,
    probe_costs,
    recall,
    scrape,
    startup,
    thresholds,
    turned_down,
)
from benchmarks.load import asking, lab, large, listeners, many_conditions, staff
from benchmarks.report import machine

SPEED = {
    "attribution": attribution.main,
    "claims": claims.main,
    "crossover": crossover.main,
    "engine_latch": engine_latch.main,
    "engine_one_step": engine_one_step.main,
    "engine_peak": engine_peak.main,
    "engine_relay": engine_relay.main,
    "engine_scaling": engine_scaling.main,
    "engine_stacked": engine_stacked.main,
    "estimates": estimates.main,
    "feedforward": feedforward.main,
    "hostile": hostile.main,
    "latency": latency.main,
    "layers": layers.main,
    "modern": modern.main,
    "overhead": overhead.main,
    "own_models": own_models.main,
    "peak_memory": peak_memory.main,
    "peers": peers.main,
    "plans": plans.main,
    "probe_costs": probe_costs.main,
    "recall": recall.main,
    "scrape": scrape.main,
    "startup": startup.main,
    "thresholds": thresholds.main,
    "turned_down": turned_down.main,
}
"""how fast, beside what users would pick instead"""
FIGURES = {
    "adding": adding.main,
    "addition": addition.main,
    "convergence": convergence.main,
    "first_last": first_last.main,
    "history": history.main,
    "latch": latch.main,
    "mnist": mnist.main,
    "one_step": one_step.main,
}
"""figures of the science, which no machine changes"""
LOAD = {
    "asking": asking.main,
    "lab": lab.main,
    "large": large.main,
    "listeners": listeners.main,
    "many_conditions": many_conditions.main,
    "staff": staff.main,
}
"""many clients at once"""
GROUPS = {"speed": SPEED, "figures": FIGURES, "load": LOAD}
ALL = SPEED | FIGURES | LOAD


def asked(words: list[str]) -> list[str]:
    """The names of benchmarks that are meant by names and groups; all speeds if none is given.

    Raises:
        SystemExit: there is no such benchmark.
    """
    names = [name for word in words or ["speed"] for name in GROUPS.get(word, (word,))]
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]!r}; there are {', '.join((*GROUPS, *ALL))}.")
    return names


if __name__ == "__main__":
    print(machine(), "\n")
    for name in asked(sys.argv[1:]):
        print(ALL[name](), flush=True)
