"""Times as clients see them."""

from datetime import UTC, datetime


def rfc3339(seconds: float | None) -> str | None:
    """Seconds since 1970 as RFC 3339 UTC with milliseconds; None stays None."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
