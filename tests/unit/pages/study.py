"""A study's document of known content, as the service answers it."""

from __future__ import annotations

from typing import Any

RUNS = {"total": 90, "queued": 0, "running": 0, "succeeded": 88, "failed": 2, "cancelled": 0}
PROGRESS = {"completed": 450, "total": 450, "unit": "epochs"}
MADE = "2024-05-02T10:11:12Z"


def claim(id: str, verdict: str, **fields: Any) -> dict[str, Any]:
    """A claim that .7 [.5, .9] was measured of, with some fields changed."""
    words = {"text": f"Claim {id}.", "source": "article", "metric": "share of repeats", "reason": ""}
    numbers = {"direction": "at_least", "threshold": 0.4, "measured": 0.7, "low": 0.5, "high": 0.9, "n": 30}
    return {"id": id, **words, **numbers, "amended": [], "budgets": [], "verdict": verdict, **fields}


NOTHING = {"measured": None, "low": None, "high": None, "n": 0}
CLAIMS = [
    claim("yes", "supported"),
    claim("no", "contradicted", direction="at_most", source="memspan"),
    claim("open", "inconclusive", threshold=0.6, reason="Its interval straddles the threshold."),
    claim("once", "inconclusive", low="-Infinity", high="Infinity", n=1),
    claim("later", "inconclusive", **NOTHING, reason="The quick scale does not run it."),
]
STUDY: dict[str, Any] = {
    "kind": "latch",
    "title": "Latching",
    "summary": "Latching a bit.",
    "reference": "Bengio (1994)",
    "schema": {},
    "question": "Why does it forget?",
    "explanation": "It starts as a leak. It must learn to hold.",
    "claims": CLAIMS,
    "group": "group-3",
    "scale": "quick",
    "state": "partial",
    "progress": PROGRESS,
    "eta_seconds": None,
    "created_at": MADE,
    "started_at": MADE,
    "finished_at": "2024-05-02T10:13:12Z",
    "experiments": ["exp-3"],
    "links": {"self": "/studies/latch", "start": "/studies/latch/experiments"},
    "parts": [
        {
            "name": "as published",
            "id": "exp-3",
            "title": "latch study: as published",
            "state": "partial",
            "runs": RUNS,
            "progress": PROGRESS,
            "answers": [],
            "links": {"self": "/experiments/exp-3", "results": "/results/exp-3"},
            "study": {"kind": "latch", "scale": "quick", "part": "as published", "group": "group-3"},
        }
    ],
    "groups": [
        {"id": "group-3", "scale": "quick", "state": "partial", "created_at": MADE},
        {"id": "group-1", "scale": "full", "state": "succeeded", "created_at": "2024-04-02T10:11:12Z"},
    ],
}
PLAN = {"runs": 450, "items": [{}, {}, {}], "estimated_seconds": 62.0, "workers": 2}
PLANS = {"quick": PLAN, "full": {**PLAN, "runs": 6750, "items": [{}], "estimated_seconds": 5400.0, "workers": 1}}


def unrun() -> dict[str, Any]:
    """The study before it was ever run."""
    names = ("group", "scale", "state", "progress", "eta_seconds", "created_at", "started_at", "finished_at")
    open_claims = [{**each, **NOTHING, "verdict": "pending", "reason": "Not run yet."} for each in CLAIMS]
    return {**STUDY, **dict.fromkeys(names), "claims": open_claims, "experiments": [], "parts": [], "groups": []}
