"""The page at which a browser shows its key."""

from __future__ import annotations

from service.pages.environment import environment


def render_login(next: str, token: str, problem: str | None = None) -> str:
    """The form.

    Args:
        next: path to go on to, of this service.
        token: that the form sends back beside its cookie.
        problem: why it is shown again.
    """
    return environment().get_template("login.html").render(next=next, token=token, problem=problem)
