"""What a receiver says, without what we must keep to ourselves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus, urlsplit

from pacs_monitor import http

WORDS_LIMIT = 200
"""How many characters of the receiver's answer are kept."""
SHORTEST_PIECE = 4
"""Characters: shorter parts of a URL or header are not treated as secrets, because they occur in ordinary words."""
_ADDRESS = re.compile(r"""(?i)(\b[a-z][a-z0-9+.-]*://)([^\s/?#"'<>]*@)?([^\s/?#"'<>@]*)([/?#][^\s"'<>]+)?""")
"""A URL in what a receiver says: its path and query may be a token of the receiver's own."""
_BETWEEN = re.compile(r"[/?&=;,\s]+")


class Redaction:
    """Takes secrets out of texts: whole and in pieces, as written and as meant."""

    def __init__(self, urls: Iterable[str] = (), others: Iterable[str] = ()) -> None:
        """`urls` lead to receivers: host and port are no secrets, everything else of them is."""
        wholes, addresses = [*others], [*urls]
        for url in addresses:
            parts = urlsplit(url)
            wholes += [parts.path, parts.query, parts.username or "", parts.password or ""]
            if parts.username:
                wholes.append(http.basic(unquote_plus(parts.username), unquote_plus(parts.password or "")))
        pieces = [piece for whole in wholes for piece in _BETWEEN.split(whole) if len(piece) >= SHORTEST_PIECE]
        written = [*addresses, *wholes, *pieces]
        secrets = {*written, *map(unquote_plus, written)}
        # longest first, so that no part of one is left by another
        self._secrets = sorted((secret for secret in secrets if len(secret) > 1), key=len, reverse=True)

    def words(self, text: str, limit: int = WORDS_LIMIT) -> str:
        """The beginning of a text on one line, printable, each secret and all but the host of a URL replaced by `…`."""
        text = _ADDRESS.sub(_host, text)
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:limit]


def _host(url: re.Match[str]) -> str:
    scheme, account, host, rest = url.groups()
    return f"{scheme}{'…@' if account else ''}{host}{'/…' if rest else ''}"
