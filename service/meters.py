"""Meters: what this process measures of itself for Prometheus. What all processes count together is in its counts."""

from collections.abc import Callable
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""upper bounds of the buckets that requests are counted in"""

# When each series began is what nobody asks, and doubles what is sent.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Meters:
    """The meters of one process; each application of a test has its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "memspan_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "memspan_http_request_duration_seconds",
            "Seconds from a request's first byte to its answer's last; of an event stream to its first.",
            ["method", "route"],
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self.in_progress = Gauge(
            "memspan_http_requests_in_progress", "Requests that are being answered.", registry=registry
        )
        self.listeners = Gauge("memspan_event_listeners", "Clients that follow an event stream.", registry=registry)
        self.predictions = Counter("memspan_predictions", "Predictions answered.", registry=registry)
        self.predicted = Counter("memspan_predicted_sequences", "Sequences in them.", registry=registry)
        self.lookups = Counter(
            "memspan_cache_lookups", "Looks into a cache, by whether it had it.", ["cache", "result"], registry=registry
        )
        self.pool_requests = Gauge(
            "memspan_pool_requests", "Requests that compute or wait in a bounded pool.", ["pool"], registry=registry
        )
        self.pool_limit = Gauge(
            "memspan_pool_requests_limit",
            "Requests that a pool takes before it says 503.",
            ["pool"],
            registry=registry,
        )
        build = Gauge("memspan_build_info", "1, with the version as a label.", ["version"], registry=registry)
        build.labels(version("memspan")).set(1)

    def follow_pool(self, name: str, inside: Callable[[], int], most: int) -> None:
        """Tell how many requests are in a pool whenever somebody asks, and how many may be."""
        self.pool_requests.labels(name).set_function(inside)
        self.pool_limit.labels(name).set(most)

    def looked_up(self, cache: str, hit: bool) -> None:
        """Count a look into a cache."""
        self.lookups.labels(cache, "hit" if hit else "miss").inc()


def resident_bytes() -> int | None:
    """The memory that this process has resident; None where the system doesn't tell."""
    for family in ProcessCollector(registry=None).collect():
        if family.name == "process_resident_memory_bytes":
            return int(family.samples[0].value)
    return None
