"""Who may ask: loopback alone without `auth`; with it, a bearer token (RFC 6750) whose role allows the method.

People sign in by a form, which gives them a cookie (web.session), or at a proxy that says who they are (web.proxy).
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import date, datetime
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pacs_monitor.config import Auth, MonitorSettings, Token
from pacs_monitor.language import N_
from pacs_monitor.web.caller import CALLER, Caller
from pacs_monitor.web.links import RUNBOOK
from pacs_monitor.web.origin import from_our_page, is_among, names_us, refuse_stranger
from pacs_monitor.web.pages import assets
from pacs_monitor.web.proxy import RefusedError, Vouching
from pacs_monitor.web.session import COOKIE, SESSION, Sessions

OPEN_PATHS = frozenset({"/healthz", "/readyz", RUNBOOK}) | assets.PATHS
READING = frozenset({"GET", "HEAD", "OPTIONS"})
PUSH = "/api/v1/push/"
REPLIES = "/api/v1/replies"
"""Boxes that know nothing but an address may give their token in it."""
OPERATORS = frozenset({"/api/v1/reload", "/api/v1/audit"})
"""What only operators may read: a preview of the configuration, and who did what."""
API = "/api/"
SIGN_IN, SIGN_OUT, WALL = "/sign-in", "/sign-out", "/wall"
LINKED = (
    "/incidents/",
    "/api/v1/incidents/",
    "/nodes/",
    "/checks/",
    SIGN_IN,
    WALL,
    "/maintenance",
    "/monitor",
    "/reports",
)
"""Where links lead: people may follow them from wherever they read them. `/` is one, too."""


class Gate:
    """ASGI middleware that answers 401 or 403 with a reason, or lets the request through.

    `monitor` are the settings in force: a reload replaces them.
    """

    def __init__(self, app: ASGIApp, monitor: Callable[[], MonitorSettings], sessions: Sessions | None = None) -> None:
        self._app, self._monitor = app, monitor
        self._sessions, self._vouching = sessions or Sessions(), Vouching()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            refusal = self._refuse(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        headers, monitor = Headers(scope=scope), self._monitor()
        if _from_another_site(scope, headers):
            return _answer(403, N_("open this address yourself: requests from another site's page are refused"))
        if monitor.auth is None:
            why = refuse_stranger(scope, headers)
            return _answer(403, why) if why else None
        if scope["method"] not in READING and not from_our_page(headers, monitor.external_url):
            return _answer(403, N_("writes from pages of other origins are refused: open this monitor's own address"))
        return self._refuse_caller(scope, headers, monitor, monitor.auth)

    def _refuse_caller(self, scope: Scope, headers: Headers, monitor: MonitorSettings, auth: Auth) -> Response | None:
        try:
            person = self._vouching.caller(scope, headers, auth.proxy)
        except RefusedError as refused:
            return _answer(403, str(refused))
        if person is not None:
            return (
                _refuse_foreign_name(headers, monitor)
                or _refuse_write_of_person(scope, headers)
                or _refuse_role(scope, person)
            )
        today = today_of(monitor)
        if "authorization" in headers or scope["path"] == REPLIES:
            return _refuse_token(scope, headers, auth.tokens, today)
        return self._refuse_visitor(scope, headers, monitor, usable(auth.tokens, today))

    def _refuse_visitor(
        self, scope: Scope, headers: Headers, monitor: MonitorSettings, tokens: Collection[Token]
    ) -> Response | None:
        """Whoever comes without a token: with the cookie of a session, from a screen's network, or to sign in."""
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        token = self._sessions.token(cookie, tokens, time.time()) if cookie else None
        if token is not None and not scope["path"].startswith(API):
            scope[SESSION] = cookie
            return _refuse_write_of_person(scope, headers) or _refuse_role(scope, Caller(token.name, token.role))
        screens = monitor.wall.sources if monitor.wall else ()
        if scope["path"] == WALL and scope["method"] in READING and is_among(scope, screens):
            scope[CALLER] = Caller("", "wall")
            return _refuse_foreign_name(headers, monitor)
        if scope["path"] == SIGN_IN:
            return None
        is_page = scope["method"] in READING and not scope["path"].startswith(API)
        if is_page and "text/html" in headers.get("accept", ""):
            return _to_sign_in(scope)
        return _answer(401, N_("send a token from monitor.auth: Authorization: Bearer TOKEN"))


def today_of(monitor: MonitorSettings) -> date:
    """The day that tokens go by."""
    return datetime.now(ZoneInfo(monitor.timezone)).date()


def usable(tokens: Iterable[Token], today: date) -> Collection[Token]:
    """Those that have not expired."""
    return [token for token in tokens if not token.has_expired(today)]


def why_expired(token: Token) -> str:
    """For whoever holds it."""
    return f"ask for a new token: this one ({token.name}) expired on {token.expires}"


def _refuse_token(scope: Scope, headers: Headers, tokens: Collection[Token], today: date) -> JSONResponse | None:
    given = _given(scope, headers)
    if given is None:
        return _answer(401, N_("send a token from monitor.auth: Authorization: Bearer TOKEN"))
    found = token_of(given, tokens)
    if found is None:
        return _answer(401, N_("this token is not in monitor.auth"))
    if found.has_expired(today):
        return _answer(401, why_expired(found))
    return _refuse_role(scope, Caller(found.name, found.role), found.checks)


def _refuse_role(scope: Scope, caller: Caller, checks: Collection[str] = ()) -> JSONResponse | None:
    scope[CALLER] = caller
    path, reads = scope["path"], scope["method"] in READING
    if caller.role == "reporter":
        return _refuse_reporter(scope, checks)
    if caller.role == "gateway" and (scope["method"], path) != ("POST", REPLIES):
        return _answer(403, "use another token: the role gateway can only deliver replies")
    if path in (SIGN_IN, SIGN_OUT):
        return None
    if caller.role == "wall" and not (reads and path == WALL):
        return _answer(403, N_("use another token: the role wall sees /wall alone"))
    if caller.role == "viewer" and (not reads or path in OPERATORS):
        return _answer(403, N_("use a token with the role operator: the role viewer can only read"))
    return None


def _given(scope: Scope, headers: Headers) -> str | None:
    """The token: as RFC 6750 2.1 has it; of replies also as a password (RFC 7617), or in the address (RFC 6750 2.3)."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return text.strip()
    if scope["path"] != REPLIES:
        return None
    if scheme.lower() == "basic":
        with suppress(ValueError):  # no base64, or no UTF-8
            return base64.b64decode(text.strip(), validate=True).decode().partition(":")[2]
        return None
    return dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("access_token")


def _refuse_write_of_person(scope: Scope, headers: Headers) -> JSONResponse | None:
    """Browsers name the origin of all that they write (Fetch, "append a request Origin header"), and send cookies and
    the proofs of sign-ins with whatever any page makes them send: what does not say where it comes from is refused."""
    if scope["method"] not in READING and "origin" not in headers:
        return _answer(403, N_("send this form from the page itself: the request does not say where it comes from"))
    return None


def _refuse_foreign_name(headers: Headers, monitor: MonitorSettings) -> JSONResponse | None:
    """Of whoever is let in by an address or a proxy: a page whose own name leads here could read what a screen may."""
    if names_us(headers, monitor):
        return None
    return _answer(
        403, N_("set monitor.external_url to the address in your browser: this monitor does not know its name")
    )


def _to_sign_in(scope: Scope) -> Response:
    """303 (RFC 9110 15.4.4), by a relative address: a proxy may have put us below another one."""
    depth, wanted = scope["path"].count("/") - 1, scope["path"].lstrip("/")
    return Response(status_code=303, headers={"Location": f"{'../' * depth}sign-in?next={quote(wanted, safe='')}"})


def _refuse_reporter(scope: Scope, checks: Collection[str]) -> JSONResponse | None:
    if not scope["path"].startswith(PUSH):
        return _answer(403, "use another token: the role reporter can only send job reports")
    check = scope["path"].removeprefix(PUSH)
    if checks and not any(fnmatchcase(check, pattern) for pattern in checks):
        return _answer(403, "add this check to the token's checks in monitor.auth: the token may not report for it")
    return None


def token_of(given: str, tokens: Collection[Token]) -> Token | None:
    """Whose it is."""
    found = None
    for token in tokens:  # every token is compared, so that the time says nothing
        if hmac.compare_digest(token.token.get_secret_value().encode(), given.encode()):
            found = token
    return found


def _from_another_site(scope: Scope, headers: Headers) -> bool:
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return False
    follows_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (
        follows_link and scope["method"] == "GET" and (scope["path"] == "/" or scope["path"].startswith(LINKED))
    )


def _answer(status: int, why: str) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"detail": why}, status, headers)
