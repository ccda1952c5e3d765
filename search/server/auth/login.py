"""Logging in by a form, and out again."""

import logging
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from studyhall.search.server.auth.access import access_of, address_of, cookie_name, is_secure
from studyhall.search.server.auth.middleware import LOGIN, LOGOUT
from studyhall.search.server.auth.notices import page
from studyhall.search.server.auth.origins import local_path
from studyhall.search.server.auth.sessions import LASTS

MAX_FORM = 8192  # bytes

log = logging.getLogger("studyhall.server")
router = APIRouter(include_in_schema=False)


@router.api_route(LOGIN, methods=["GET", "HEAD"])
async def show_form(request: Request) -> Response:
    """Show the form, or go on for somebody who needs none."""
    target = local_path(request.query_params.get("next", "/"))
    if request.state.identity is not None:
        return RedirectResponse(target, 303)
    return _form(request, target)


@router.post(LOGIN)
async def log_in(request: Request) -> Response:
    """Begin a session for a name with its password, or for a token without a name."""
    access = access_of(request)
    fields = await _read_form(request)
    target = local_path(fields.get("next", "/"))
    if access.is_open:
        return RedirectResponse(target, 303)
    address = address_of(request)
    wait = access.throttle.wait(address)
    if wait:
        return _form(
            request,
            target,
            429,
            f"Too many failed logins. Try again in {wait} seconds.",
            {"Retry-After": str(wait)},
        )
    name, secret = fields.get("name", "").strip(), fields.get("password", "")
    identity = (
        access.credentials.of_password(name, secret) if name else access.credentials.of_token(secret.strip())
    )
    if identity is None:
        access.throttle.failed(address)
        # Without the name: people type passwords there, too.
        log.warning("a login failed, from %s", address)
        what = "This name and password are not known." if name else "This token is not known."
        return _form(request, target, 401, what, {"WWW-Authenticate": 'Bearer realm="studyhall"'})
    log.info("%s logged in, from %s", identity.name, address)
    cookie = cookie_name(request)
    access.sessions.end(request.cookies.get(cookie, ""))
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        cookie,
        access.sessions.begin(identity),
        max_age=LASTS,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post(LOGOUT)
async def log_out(request: Request) -> Response:
    """End the session, for every copy of its cookie."""
    cookie = cookie_name(request)
    access_of(request).sessions.end(request.cookies.get(cookie, ""))
    answer = RedirectResponse(LOGIN, 303)
    answer.delete_cookie(cookie, path="/", secure=is_secure(request), httponly=True, samesite="lax")
    return answer


def _form(
    request: Request, target: str, status: int = 200, problem: str = "", headers: dict[str, str] | None = None
) -> Response:
    has_passwords = access_of(request).credentials.has_passwords
    return page("login.html", status, headers, next=target, problem=problem, has_passwords=has_passwords)


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form that is sent as browsers send it; of one that is there twice, the first."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise HTTPException(413, "This form is too large.")
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=16)
    except ValueError:
        raise HTTPException(400, "This is not the login form.") from None
    return {name: values[0] for name, values in fields.items()}
