"""Who may ask: loopback alone without `auth`; with it, a bearer token (RFC 6750) whose role allows the method.

A browser on this machine comes from loopback too, whatever page it shows. It gives itself away: by the Host header when
a foreign name was made to resolve to this machine, by the Origin header when a foreign page asks for something, and by
Sec-Fetch-Site (W3C Fetch Metadata 2.4) when a foreign page loads something, as by an image, or leads there.
"""

from __future__ import annotations

import base64
import hmac
import re
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pacs_monitor.config import Token
from pacs_monitor.config.values import is_loopback
from pacs_monitor.net.addresses import plain
from pacs_monitor.web.links import RUNBOOK
from pacs_monitor.web.pages import assets
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
CALLER = "pacs_monitor.caller"
"""In the scope: whose token it is (Caller); not there without `auth`."""
_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^\[\]:@]*))(?::\d*)?")


class Caller(NamedTuple):
    """Name and role of a token."""

    name: str
    role: str


NOBODY = Caller("", "")
"""Whoever asks without a token."""


class Gate:
    """ASGI middleware that answers 401 or 403 with a reason, or lets the request through.

    `external` is the URL by which browsers know this monitor, where a proxy gives the server another name.
    """

    def __init__(
        self,
        app: ASGIApp,
        tokens: Callable[[], Collection[Token] | None],
        external: Callable[[], str] = str,
        wall: Callable[[], Collection[str]] = tuple,
        sessions: Sessions | None = None,
    ) -> None:
        self._app, self._tokens, self._external, self._wall = app, tokens, external, wall
        self._sessions = sessions or Sessions()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            refusal = self._refuse(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if _from_another_site(scope, headers):
            return _answer(403, "open this address yourself: requests from another site's page are refused")
        tokens = self._tokens()
        if tokens is None:
            return _refuse_stranger(scope, headers)
        if scope["method"] not in READING and not _from_our_page(headers, self._external()):
            return _answer(403, "writes from pages of other origins are refused: open this monitor's own address")
        if "authorization" in headers or scope["path"] == REPLIES:
            return _refuse_token(scope, headers, tokens)
        return self._refuse_visitor(scope, headers, tokens)

    def _refuse_visitor(self, scope: Scope, headers: Headers, tokens: Collection[Token]) -> Response | None:
        """Whoever comes without a token: with the cookie of a session, from a screen's network, or to sign in."""
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        token = self._sessions.token(cookie, tokens, time.time()) if cookie else None
        if token is not None and not scope["path"].startswith(API):
            scope[SESSION] = cookie
            return _refuse_write_of_session(scope, headers) or _refuse_role(scope, token)
        if scope["path"] == WALL and scope["method"] in READING and _is_among(scope, self._wall()):
            scope[CALLER] = Caller("", "wall")
            return None
        if scope["path"] == SIGN_IN:
            return None
        is_page = scope["method"] in READING and not scope["path"].startswith(API)
        if is_page and "text/html" in headers.get("accept", ""):
            return _to_sign_in(scope)
        return _answer(401, "send a token from monitor.auth: Authorization: Bearer TOKEN")


def _refuse_token(scope: Scope, headers: Headers, tokens: Collection[Token]) -> JSONResponse | None:
    given = _given(scope, headers)
    if given is None:
        return _answer(401, "send a token from monitor.auth: Authorization: Bearer TOKEN")
    found = token_of(given, tokens)
    if found is None:
        return _answer(401, "this token is not in monitor.auth")
    return _refuse_role(scope, found)


def _refuse_role(scope: Scope, token: Token) -> JSONResponse | None:
    scope[CALLER] = Caller(token.name, token.role)
    path, reads = scope["path"], scope["method"] in READING
    if token.role == "reporter":
        return _refuse_reporter(scope, token)
    if token.role == "gateway" and (scope["method"], path) != ("POST", REPLIES):
        return _answer(403, "use another token: the role gateway can only deliver replies")
    if path in (SIGN_IN, SIGN_OUT):
        return None
    if token.role == "wall" and not (reads and path == WALL):
        return _answer(403, "use another token: the role wall sees /wall alone")
    if token.role == "viewer" and (not reads or path in OPERATORS):
        return _answer(403, "use a token with the role operator: the role viewer can only read")
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


def _refuse_write_of_session(scope: Scope, headers: Headers) -> JSONResponse | None:
    """Browsers name the origin of every form that they send (Fetch, "append a request Origin header")."""
    if scope["method"] not in READING and "origin" not in headers:
        return _answer(403, "send this form from the page itself: the request does not say where it comes from")
    return None


def _is_among(scope: Scope, networks: Collection[str]) -> bool:
    client = scope.get("client")
    try:
        address = plain(client[0]) if client else None
    except ValueError:
        return False
    return address is not None and any(address in ip_network(one, strict=False) for one in networks)


def _to_sign_in(scope: Scope) -> Response:
    """303 (RFC 9110 15.4.4), by a relative address: a proxy may have put us below another one."""
    depth, wanted = scope["path"].count("/") - 1, scope["path"].lstrip("/")
    return Response(status_code=303, headers={"Location": f"{'../' * depth}sign-in?next={quote(wanted, safe='')}"})


def _refuse_reporter(scope: Scope, token: Token) -> JSONResponse | None:
    if not scope["path"].startswith(PUSH):
        return _answer(403, "use another token: the role reporter can only send job reports")
    check = scope["path"].removeprefix(PUSH)
    if token.checks and not any(fnmatchcase(check, pattern) for pattern in token.checks):
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


def _refuse_stranger(scope: Scope, headers: Headers) -> JSONResponse | None:
    client, host = scope.get("client"), headers.get("host", "")
    if client is None or not is_loopback(client[0]):
        return _answer(403, "set monitor.auth: without it only this machine itself is served")
    if not is_loopback(host_of(host)):
        return _answer(403, "without monitor.auth the Host header must be a loopback address or localhost")
    if not _from_our_page(headers):
        return _answer(403, "without monitor.auth requests from pages of other origins are refused")
    return None


def _from_our_page(headers: Headers, external: str = "") -> bool:
    """By Origin (RFC 6454 7), which browsers send with every write: the address asked for, or the one of the proxy."""
    ours = urlsplit(external)
    known = {f"{ours.scheme}://{ours.netloc}"} if ours.netloc else set()
    host = headers.get("host", "")
    known |= {f"http://{host}", f"https://{host}"} if host else set()
    return all(origin in known for origin in headers.getlist("origin"))


def host_of(header: str) -> str:
    """The host of a Host header (RFC 9110 7.2), without its port and brackets; "" when it is none."""
    found = _HOST.fullmatch(header)
    return (found[1] or found[2] or "") if found else ""


def _answer(status: int, why: str) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"detail": why}, status, headers)
