"""One request, one answer: the deadline, the token, and what is made of refusals."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from requests.utils import parse_header_links

from pacs_monitor.client.errors import REFUSALS, NoDaemonError, RefusedError
from pacs_monitor.http import Access, HttpError, Response, send
from pacs_monitor.model import Reason, Tls

DEFAULT_URL = "http://127.0.0.1:9741"
TOKEN = "PACS_MONITOR_TOKEN"  # noqa: S105 - the name of the variable
ANSWER_WITHIN = 10.0
"""Seconds for the daemon to answer, beyond what it needs to do what is asked."""
MADE_WITHIN = 120.0
"""Seconds more for a document to be made."""
LARGEST = 256 * 1024 * 1024
"""Bytes of an answer."""
PAGE = 1000
"""Rows of one answer, at most."""
_OTHERS = frozenset({Reason.TLS_EXPIRED, Reason.TLS_HOSTNAME, Reason.TLS_NOT_OFFERED, Reason.BAD_CONTENT})
"""Somebody answers there, who is not the daemon that is meant."""
_SILENT = frozenset({Reason.TIMEOUT, Reason.TLS_TIMEOUT})


class Transport:
    """One request, one answer."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        token: str | None = None,
        *,
        ca: str | os.PathLike[str] | None = None,
        timeout: float = ANSWER_WITHIN,
    ) -> None:
        """`url` of the daemon; `token` (without one: $PACS_MONITOR_TOKEN); `ca`, a PEM file of authorities to trust.

        Proxies of the environment are not used: the daemon is near.
        """
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._access = Access(tls=Tls(ca=None if ca is None else os.fspath(ca)))
        self._headers = {"Accept": "application/json"}
        if token := token or os.environ.get(TOKEN):
            self._headers["Authorization"] = f"Bearer {token}"

    def _get(self, path: str, **query: Any) -> Any:
        return self._read(self._answer("GET", path + query_of(query)))

    def _post(self, path: str, words: Mapping[str, Any] | None = None, *, wait: float = 0.0) -> Any:
        return self._read(self._answer("POST", path, words, wait=wait))

    def _delete(self, path: str, words: Mapping[str, Any]) -> Any:
        return self._read(self._answer("DELETE", path, words))

    def _download(self, path: str, **query: Any) -> bytes:
        """What may be no JSON."""
        answer = self._answer("GET", path + query_of(query), wait=MADE_WITHIN)
        if not is_done(answer):
            self._read(answer)
        return answer.body

    def _pages(self, path: str, limit: int | None, **query: Any) -> list[Any]:
        """The newest first, by as many requests as it takes."""
        rows: list[Any] = []
        address: str | None = path + query_of(query | {"limit": PAGE if limit is None else min(limit, PAGE)})
        while address is not None and (limit is None or len(rows) < limit):
            answer = self._answer("GET", address)
            rows += self._read(answer)
            found = parse_header_links(answer.headers.get("Link", ""))
            next_page = [link["url"] for link in found if link.get("rel") == "next"]
            address = urljoin(path, next_page[0]) if next_page else None
        return rows[:limit]

    def _answer(self, method: str, path: str, words: Mapping[str, Any] | None = None, *, wait: float = 0.0) -> Response:
        headers, body = self._headers, None
        if words is not None:
            headers, body = headers | {"Content-Type": "application/json"}, json.dumps(words).encode()
        timeout = self._timeout + wait
        try:
            return send(
                method,
                self.url + path,
                timeout=timeout,
                headers=headers,
                body=body,
                size_limit=LARGEST,
                access=self._access,
            )
        except HttpError as error:
            raise NoDaemonError(self._silence(error)) from None

    def _silence(self, error: HttpError) -> str:
        if error.reason is Reason.TLS_UNTRUSTED:
            trust = "SSL_CERT_FILE names a file of authorities to trust"
            return f"the certificate of {self.url} is not trusted here; {trust}"
        if error.reason in _SILENT:
            return f"the daemon at {self.url} did not answer: {error.detail}"
        if error.reason is Reason.NOT_CONFIGURED:
            return error.detail
        if error.reason in _OTHERS:
            return f"wrong address? The server at {self.url} is not pacs-monitor: {error.detail}"
        return f"start the daemon with: pacs-monitor run (none answers at {self.url})"

    def _read(self, answer: Response) -> Any:
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise NoDaemonError(f"wrong address? The server at {self.url} is not pacs-monitor") from None
        if is_done(answer):
            return body
        detail = body.get("detail") if isinstance(body, dict) else None
        sentences = detail if isinstance(detail, list) else [str(detail or answer.status)]
        after = answer.headers.get("Retry-After", "")
        refusal = REFUSALS.get(answer.status, RefusedError)
        raise refusal(answer.status, [str(one) for one in sentences], float(after) if after.isdecimal() else None)


def is_done(answer: Response) -> bool:
    """Whether the daemon did it (RFC 9110 15.3)."""
    return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def words_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The body: what was given, `for_` as `for`."""
    return {key.rstrip("_"): value for key, value in given.items() if value not in (None, "")}


def query_of(given: Mapping[str, Any]) -> str:
    """`?limit=10`; empty where nothing was given."""
    said = {
        key.rstrip("_"): str(value).lower() if isinstance(value, bool) else value
        for key, value in given.items()
        if value is not None
    }
    return f"?{urlencode(said)}" if said else ""
