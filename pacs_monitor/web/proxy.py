"""Who asks, by the word of a reverse proxy that signs people in (Kerberos, OIDC, Windows authentication).

Its headers are believed of connections from its own address alone, and judged anew in every request: nothing of them is
kept, so that whoever is signed out there, or has lost a group, is so here. Whatever is odd about them is refused: a
header that comes twice is one that the proxy added to what somebody sent.
"""

from __future__ import annotations

import logging
import re

from starlette.datastructures import Headers
from starlette.types import Scope

from pacs_monitor.config import ProxyAuth
from pacs_monitor.language import N_
from pacs_monitor.net.rate_limit import RateLimitedLog
from pacs_monitor.web.caller import CALLER, Caller
from pacs_monitor.web.origin import is_among
from pacs_monitor.web.words import LONGEST_NAME, printable

log = logging.getLogger(__name__)
_BETWEEN = re.compile("[,;|]")


class RefusedError(Exception):
    """Why what the proxy says lets nobody in."""


class Vouching:
    """Reads what proxies say."""

    def __init__(self) -> None:
        self._log = RateLimitedLog(log)

    def caller(self, scope: Scope, headers: Headers, proxy: ProxyAuth | None) -> Caller | None:
        """Who asks; None where the proxy names nobody, or none is named. RefusedError."""
        if proxy is None:
            return None
        if not is_among(scope, proxy.sources):
            self._ignore(scope, headers, proxy)
            return None
        name = _only(headers, proxy.user_header)
        if not name:
            return None
        if len(name) > LONGEST_NAME:
            raise RefusedError(f"{proxy.user_header}: the proxy gave a name of more than {LONGEST_NAME} characters")
        groups = [group.strip() for group in _BETWEEN.split(_only(headers, proxy.groups_header))]
        role = proxy.role_of(groups)
        if role is None:
            scope[CALLER] = Caller(name, "")
            raise RefusedError(
                N_("ask whoever keeps monitor.auth.proxy.roles for a role: none of your groups has one here")
            )
        return Caller(name, role)

    def _ignore(self, scope: Scope, headers: Headers, proxy: ProxyAuth) -> None:
        """Logged once a minute of each address, and then counted."""
        given = [name for name in (proxy.user_header, proxy.groups_header) if name in headers]
        if given:
            client = scope.get("client")
            who = client[0] if client else "an unknown address"
            self._log.warning(
                f"ignored {' and '.join(given)} from {who}: if this is the proxy, add it to monitor.auth.proxy.from; "
                "else somebody pretends to be signed in"
            )


def _only(headers: Headers, name: str) -> str:
    """What a header says, which comes once at most, as a person's name may be written; "" where it is not there."""
    given = headers.getlist(name)
    if len(given) > 1:
        raise RefusedError(f"let the proxy replace {name} and not add to it: it came {len(given)} times")
    try:
        return printable(given[0].encode("latin-1").decode()) if given else ""
    except ValueError:
        raise RefusedError(f"let the proxy send {name} as UTF-8 without invisible characters") from None
