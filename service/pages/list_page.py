"""The page of all experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from memspan.figures.label import label
from service.pages.environment import environment

FEW = 4  # parts named in a row before the rest is counted


def render_results_list(page: Mapping[str, Any], request_path: str, origin: str) -> str:
    """The table of experiments of one ``{items, next_cursor}`` page.

    Args:
        page: as JSON gives it.
        request_path: the page's path, which may carry its query.
        origin: where its command line asks, e.g. ``http://localhost:8000``.
    """
    rows = [{**item, "models": _kinds(item, "models"), "tasks": _kinds(item, "tasks")} for item in page["items"]]
    further = _further(request_path, page.get("next_cursor"))
    query = dict(parse_qsl(urlsplit(request_path).query))
    begun, narrowed = "cursor" in query, bool(query.keys() - {"limit"})
    template = environment().get_template("list.html")
    return template.render(items=rows, further=further, begun=begun, narrowed=narrowed, origin=origin)


def _kinds(item: Mapping[str, Any], part: str) -> str:
    """Short names of an experiment's models or tasks, from its summary or else its spec."""
    parts: Sequence[Any] = item.get(part) or (item.get("spec") or {}).get(part) or []
    named = [
        one if isinstance(one, str) else label(one, [other for other in parts if isinstance(other, Mapping)])
        for one in parts
    ]
    more = len(named) - FEW
    return ", ".join(named[:FEW]) + (f" and {more} more" if more > 0 else "")


def _further(request_path: str, cursor: str | None) -> str | None:
    """The link to the next page, with the filters of this one."""
    if cursor is None:
        return None
    split = urlsplit(request_path)
    query = dict(parse_qsl(split.query)) | {"cursor": cursor}
    return f"{split.path}?{urlencode(query)}"
