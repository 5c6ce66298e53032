"""The form that signs in with a token, and the button that signs out."""

from __future__ import annotations

from math import ceil
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from pacs_monitor.language import N_, _
from pacs_monitor.model import SECOND
from pacs_monitor.web.audit import TOLD, Told
from pacs_monitor.web.auth import SIGN_IN, SIGN_OUT, today_of, token_of
from pacs_monitor.web.body import BODY
from pacs_monitor.web.caller import CALLER, Caller
from pacs_monitor.web.pages.render import Fragment, fragment
from pacs_monitor.web.pages.serving import Pages, about, root_of
from pacs_monitor.web.rate_limit import TokenBucket
from pacs_monitor.web.session import COOKIE, SESSION
from pacs_monitor.web.view import DaemonView

FOR_PEOPLE = ("viewer", "operator", "wall")
FAILURES_A_SECOND, FAILURES_AT_ONCE = 0.2, 10
"""Of one address."""


def add_sign_in(app: FastAPI, daemon: DaemonView) -> None:
    """Where `auth` is configured; without it there is nothing to sign in to."""
    pages, tries = Pages(daemon), TokenBucket(FAILURES_A_SECOND, FAILURES_AT_ONCE, daemon.clock.monotonic)

    async def show(request: Request, said: str = "", status: int = 200, **values: object) -> Response:
        async def make() -> Fragment:
            wanted = quote(_ours(request.query_params.get("next", "")), safe="")
            page = about(daemon, request)
            return fragment("sign_in.html", _("Sign in"), page, status=status, said=_(said, **values), wanted=wanted)

        return await pages.send(request, make, layout="plain.html", kept=False)

    @app.get(SIGN_IN, include_in_schema=False)
    async def ask(request: Request) -> Response:
        if daemon.estate.monitor.auth is None:
            return RedirectResponse(root_of(request), 303)
        return await show(request)

    @app.post(SIGN_IN, include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        fields: dict[str, Any] = request.scope.get(BODY) or {}
        monitor = daemon.estate.monitor
        wait = tries.wait(request.client.host if request.client else "")
        if wait:
            return await show(request, N_("Too many attempts: try again in {seconds} s."), 429, seconds=ceil(wait))
        token = token_of(str(fields.get("token", "")).strip(), monitor.auth.tokens) if monitor.auth else None
        if token is None or token.role not in FOR_PEOPLE:
            return await show(request, N_("This token is not in monitor.auth, or is not for people."), 401)
        if token.has_expired(today_of(monitor)):
            why = N_("Ask for a new token: this one ({name}) expired on {day}.")
            return await show(request, why, 401, name=token.name, day=token.expires)
        request.scope[CALLER] = Caller(token.name, token.role)
        cookie, lasts = daemon.sessions.begin(token, daemon.clock.now() / SECOND)
        home = "wall" if token.role == "wall" else _ours(request.query_params.get("next", ""))
        answer = RedirectResponse(root_of(request) + home, 303)
        answer.set_cookie(COOKIE, cookie, lasts, secure=_is_secure(daemon), httponly=True, samesite="lax")
        return answer

    @app.post(SIGN_OUT, include_in_schema=False)
    async def sign_out(request: Request) -> Response:
        if SESSION in request.scope:
            ended = daemon.sessions.end(request.scope[SESSION], daemon.clock.now() / SECOND)
            request.scope[TOLD] = Told("", "", 303, ended)
        answer = RedirectResponse(root_of(request) + SIGN_IN[1:], 303)
        answer.delete_cookie(COOKIE, secure=_is_secure(daemon), httponly=True, samesite="lax")
        return answer


def _is_secure(daemon: DaemonView) -> bool:
    """Whether browsers reach us by HTTPS alone."""
    monitor = daemon.estate.monitor
    return monitor.tls is not None or monitor.url.startswith("https://")


def _ours(address: str) -> str:
    """A path below `/` of ours, or nothing: nobody is led elsewhere by a link to the form."""
    parts = urlsplit(address)
    plain = not parts.scheme and not parts.netloc and not address.startswith(("/", "\\", ".")) and ":" not in address
    return quote(address, safe="/?&=%-_.~") if plain and address.isprintable() else ""
