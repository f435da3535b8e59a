"""What plans say beside what two workers took, and how the remaining time falls: studies over HTTP.

``python -m benchmarks plans`` runs every quick study, ``python -m benchmarks.plans full latch relay`` some full ones.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx

from benchmarks.report import Figure, table
from benchmarks.stage import database_url, service
from memspan.studies import study
from tests.waiting import until

WORKERS = 2
LOOK_SECONDS = 0.5
ENDED = frozenset({"succeeded", "partial", "failed", "cancelled"})
NOISE_SECONDS = 1.0
"""by which a remaining time may rise from one look to the next and still be said to fall"""


@dataclass
class Seen:
    """One study from POST to its end.

    Attributes:
        estimated: the plan's seconds, asked just before.
        left: seconds since POST and the remaining time told then.
    """

    name: str
    estimated: float
    took: float = 0.0
    left: list[tuple[float, float]] = field(default_factory=list)

    @property
    def climbs(self) -> int:
        """How often the remaining time rose by more than noise and a tenth."""
        told = [each for _, each in self.left]
        return sum(later > max(earlier + NOISE_SECONDS, 1.1 * earlier) for earlier, later in pairwise(told))

    @property
    def halfway(self) -> float | None:
        """Remaining time told at half time, over what was really left."""
        near = [(at, each) for at, each in self.left if at <= self.took / 2]
        return near[-1][1] / (self.took - near[-1][0]) if near else None


def watched(client: httpx.Client, kind: str, scale: str) -> Seen:
    """Run a study and look at it twice a second."""
    path, body = f"/studies/{kind}/experiments", {"scale": scale}
    plan = client.post(path, params={"dry_run": True}, json=body).raise_for_status().json()
    seen = Seen(f"{kind}, {scale}", plan["estimated_seconds"])
    begun = time.perf_counter()
    client.post(path, json=body).raise_for_status()
    while (told := _status(client, kind))["state"] not in ENDED:
        if told["eta_seconds"] is not None:
            seen.left.append((time.perf_counter() - begun, told["eta_seconds"]))
        time.sleep(LOOK_SECONDS)
    seen.took = time.perf_counter() - begun
    print(f"{seen.name}: estimated {seen.estimated:.1f} s, took {seen.took:.1f} s; left: "
          + ", ".join(f"{at:.0f}: {each:.0f}" for at, each in seen.left[:: max(1, len(seen.left) // 12)]),
          file=sys.stderr, flush=True)  # fmt: skip
    return seen


def _status(client: httpx.Client, kind: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"/studies/{kind}").raise_for_status().json()
    return told


def figure(seen: Seen) -> Figure:
    half = "" if seen.halfway is None else f"; told at half time {seen.halfway:.2f} x of what was left"
    words = f"estimated {seen.estimated:.1f} s, took {seen.took:.1f} s ({seen.took / seen.estimated:.2f} x){half}"
    return Figure(seen.name, f"{words}; climbed {seen.climbs} times in {len(seen.left)} looks", "within 1.5 x, falls")


def main(scale: str = "quick", kinds: Sequence[str] = ()) -> str:
    """One service for all, so that its workers learn the machine's pace as they do in use."""
    found = []
    with database_url("sqlite") as url, service(url, "serve", "--workers", str(WORKERS)) as (client, _):
        until(lambda: len(client.get("/workers").json()["items"]) == WORKERS, 60, "all workers")
        for kind in kinds or study.kinds():
            found.append(figure(watched(client, kind, scale)))
    return table("Plans and remaining times beside what two workers took", found)


if __name__ == "__main__":
    print(main(sys.argv[1] if len(sys.argv) > 1 else "quick", sys.argv[2:]))
