"""/login and /logout: a browser shows its key once, and carries a cookie that stands for it.

The cookie is out of reach of scripts (HttpOnly), goes along with requests of our own pages only (SameSite=Strict), and
only over TLS where the browser came by it. Forms send a token that no other site can know; Origin is checked for every
request that changes something.
"""

import hashlib
import secrets
from typing import Annotated
from urllib.parse import parse_qs

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from service.errors import BadRequest, TooLarge, Unauthorized
from service.middleware.access import address_of, asker
from service.middleware.credentials import HOW, SESSION_COOKIE, working
from service.operations import sessions
from service.pages import render_login
from service.routes.dependencies import CurrentContext
from service.storage.keys import KeyRecord

router = APIRouter(include_in_schema=False)
FORM_COOKIE = "memspan_form"
FORM_SECONDS = 3600
MOST_BYTES = 10_000
HOME = "/results"
HEADERS = {"Cache-Control": "no-store"}


def local(path: str | None) -> str:
    """A path of this service; the dashboard for anything that could lead elsewhere.

    Browsers read a second slash, or a backslash, as the beginning of another host, and drop control characters.
    """
    if path is None or not path.startswith("/") or path[1:2] in ("/", "\\") or path.startswith(("/login", "/logout")):
        return HOME
    return HOME if any(ord(each) < 33 or ord(each) == 127 or each == "\\" for each in path) else path


@router.get("/login")
async def ask(request: Request, next: Annotated[str | None, Query(max_length=4_000)] = None) -> Response:
    """The form; who needs none goes on."""
    ring = await request.app.state.keyring.ring()
    if not ring.locked:
        return RedirectResponse(local(next), 303, headers=HEADERS)
    return _form(request, local(next))


def _form(request: Request, target: str, problem: str | None = None, status: int = 200) -> Response:
    """The form with a token of its own."""
    nonce = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    answer = HTMLResponse(render_login(target, _token(nonce), problem), status, headers=HEADERS)
    answer.set_cookie(
        FORM_COOKIE, nonce, max_age=FORM_SECONDS, path="/login", httponly=True, samesite="strict", secure=_tls(request)
    )
    return answer


@router.post("/login")
async def log_in(request: Request, context: CurrentContext) -> Response:
    """Begin a session and go on; or the form again, with what is wrong."""
    fields = await _fields(request)
    target = local(fields.get("next"))
    nonce = request.cookies.get(FORM_COOKIE, "")
    if not nonce or not secrets.compare_digest(fields.get("token", "").encode(), _token(nonce).encode()):
        problem = "The form was too old, or your browser keeps no cookies. Try again."
        return _form(request, target, problem, BadRequest.status)
    try:
        row = await _checked(request, fields.get("key", "").strip())
    except Unauthorized as error:
        return _form(request, target, error.detail.removesuffix(f" {HOW}"), error.status)
    secret = await run_sync(sessions.begin, context.database, row, asker(request.scope, row))
    request.app.state.keyring.forget()
    answer = RedirectResponse(target, 303, headers=HEADERS)
    answer.set_cookie(
        SESSION_COOKIE, secret, max_age=sessions.SECONDS, httponly=True, samesite="strict", secure=_tls(request)
    )
    answer.delete_cookie(FORM_COOKIE, path="/login")
    return answer


async def _checked(request: Request, secret: str) -> KeyRecord:
    """The key of a secret, which works; failures are counted by address, as everywhere."""
    keyring = request.app.state.keyring
    ring = await keyring.ring()
    try:
        return working(ring, secret, keyring.time())
    except Unauthorized:
        await request.app.state.rate_limits.fail(address_of(request.scope))
        raise


@router.post("/logout")
async def log_out(request: Request, context: CurrentContext) -> Response:
    """End the session, in all processes, and go to the form."""
    secret = request.cookies.get(SESSION_COOKIE, "")
    answer = RedirectResponse("/login", 303, headers={**HEADERS, "Clear-Site-Data": '"cache"'})
    if secret:
        given = (await _fields(request)).get("token", "")
        if not secrets.compare_digest(given.encode(), sessions.token(secret).encode()):
            raise BadRequest("The form was not made for this session; reload the page and try again.")
        keyring = request.app.state.keyring
        row = (await keyring.ring()).find_session(secret, keyring.time())
        await run_sync(sessions.end, context.database, secret, asker(request.scope, row))
        keyring.forget()
        answer.delete_cookie(SESSION_COOKIE)
    return answer


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a small form."""
    raw = await request.body()
    if len(raw) > MOST_BYTES:
        raise TooLarge(f"The form may have at most {MOST_BYTES} bytes; sent: {len(raw)}.")
    found = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[0] for name, values in found.items()}


def _token(nonce: str) -> str:
    return hashlib.sha256(b"form " + nonce.encode("utf-8", "surrogateescape")).hexdigest()


def _tls(request: Request) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy in front of us: it says so in Origin and Referer."""
    told = (request.headers.get("origin", ""), request.headers.get("referer", ""))
    return request.url.scheme == "https" or any(each.lower().startswith("https://") for each in told)
