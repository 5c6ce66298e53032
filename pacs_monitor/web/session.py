"""Who is signed in by the form: a cookie (RFC 6265) that names a token and ends, and the proof that a form is ours.

Nothing is kept for a session: its cookie is signed with the token itself, so that a restart signs nobody out, and a
token that leaves the configuration, or changes, ends its sessions. Who signs out is remembered until the session would
have ended, over restarts by the audit log, which has a hash of its cookie.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from starlette.types import Scope

from pacs_monitor.config import Token

COOKIE = "pacs_monitor_session"
SESSION = "pacs_monitor.session"
"""In the scope: the session of who is signed in by the form; not there for a token."""
LASTS = {"wall": 400 * 86_400}
"""Seconds of a session by role: nobody signs in again at a screen on a wall (RFC 6265bis 5.5 allows 400 days)."""
SHIFT = 12 * 3600
"""Seconds of a session of people."""
LONGEST = max(SHIFT, *LASTS.values())
"""Seconds."""
MOST_ENDED = 4096
"""Sign-outs that are remembered: of more, the latest."""
SIGNED_OUT = "POST /sign-out"
"""As the audit log names it."""
_KEY = secrets.token_bytes(32)
_END = re.compile(r"[0-9]{1,12}")
"""Seconds since the epoch; a longer number is nobody's, and not worth reading."""


class Sessions:
    """Makes and reads them."""

    def __init__(self) -> None:
        self._ended: dict[str, int] = {}
        """By the hash of its cookie, when a session would have ended."""

    def begin(self, token: Token, now: float) -> tuple[str, int]:
        """The cookie's value, and for how many seconds it holds; `now` is in seconds since the epoch."""
        lasts = LASTS.get(token.role, SHIFT)
        said = f"{quote(token.name, safe='')}.{int(now) + lasts}.{secrets.token_urlsafe(12)}"
        return f"{said}.{_signature(said, token)}", lasts

    def token(self, cookie: str, tokens: Collection[Token], now: float) -> Token | None:
        """Whose session it is; None when it is none, or has ended."""
        said, _, signature = cookie.rpartition(".")
        name, end, _nonce = [*said.rsplit(".", 2), "", ""][:3]
        if not _END.fullmatch(end) or int(end) <= now or _hash(cookie) in self._ended:
            return None
        found = None
        for token in tokens:
            if quote(token.name, safe="") == name and hmac.compare_digest(
                _signature(said, token).encode(), signature.encode()
            ):
                found = token
        return found

    def end(self, cookie: str, now: float) -> Mapping[str, Any]:
        """Sign out; what the audit log is to say of it."""
        said = {"session": _hash(cookie), "ends": int(cookie.rsplit(".", 3)[1])}
        self.recall([said], now)
        return said

    def recall(self, said: Iterable[Mapping[str, Any]], now: float) -> None:
        """Who has signed out, as the audit log says it, the latest last."""
        ended = {one["session"]: one["ends"] for one in said if "session" in one}
        known = [(key, until) for key, until in (self._ended | ended).items() if until > now]
        self._ended = dict(known[-MOST_ENDED:])


def _hash(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "replace")).hexdigest()


def _signature(said: str, token: Token) -> str:
    return hmac.new(token.token.get_secret_value().encode(), f"session {said}".encode(), sha256).hexdigest()


def proof(scope: Scope) -> str:
    """Stands in every form of this viewer: no page of another site can know it."""
    return hmac.new(_KEY, scope.get(SESSION, "").encode(), sha256).hexdigest()


def is_proven(scope: Scope, given: object) -> bool:
    """Whether a form carries it."""
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), proof(scope).encode())
