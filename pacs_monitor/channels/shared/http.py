"""HTTP as channels speak it: one exchange, and what its answer means for the delivery.

Any 2xx means delivered, whatever happens to the answer's body. All else is a DeliveryError: 3xx, and 4xx other than
408, 425 and 429, are refusals; everything else is temporary. Redirects are not followed, so that a page and its
credentials go to no other host. Nothing here repeats a URL or a secret.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator
from requests.utils import get_environ_proxies, select_proxy

from pacs_monitor import __version__, http
from pacs_monitor.channels.shared.redaction import WORDS_LIMIT, Redaction
from pacs_monitor.fields import Duration, ExistingFile, SecretLine, Settings, WebAddress
from pacs_monitor.model import DeliveryError, Failure, Phase, Reason, Tls

JSON = "application/json"
ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are looked at."""
_NOT_NOW = frozenset({408, 425, 429})
"""4xx statuses that ask for a retry (RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4)."""
_BEFORE_THE_REQUEST = frozenset({Phase.RESOLVE, Phase.CONNECT, Phase.TLS})
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def _receiver(url: SecretLine) -> SecretLine:
    parts = urlsplit(url.get_secret_value())
    if not (parts.hostname and _has_a_port(parts) and http.is_valid_url(url.get_secret_value())):
        raise ValueError("write https://host/path: this is not the URL of a receiver")
    return url


def _has_a_port(parts: SplitResult) -> bool:
    """Whether the port, if one is written, is one."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def _proxy(value: str) -> str:
    if value and not (http.is_proxy(value) and http.is_valid_url(value)):
        raise ValueError("write proxy as http://HOST:PORT, without an account")
    return value


Receiver = Annotated[SecretLine, AfterValidator(_receiver)]
"""The URL of a receiver, http or https; a secret, because many put a token into it."""


class HttpSettings(Settings):
    """What every channel that speaks HTTP may say."""

    timeout: Duration = 10.0
    """Time limit for the whole exchange, from connecting to the last byte of the answer."""
    proxy: Annotated[WebAddress, AfterValidator(_proxy)] = ""
    """HTTP proxy, such as http://proxy.example.org:3128; by default as HTTPS_PROXY and NO_PROXY say."""
    ca: ExistingFile | None = None
    """PEM file of the CAs to trust; by default REQUESTS_CA_BUNDLE, else the system's trust store."""


class HttpSender:
    """Sends requests by the settings of one channel."""

    def __init__(self, settings: HttpSettings, redaction: Redaction) -> None:
        self._settings, self._redaction = settings, redaction

    def send(
        self,
        url: str,
        body: bytes,
        timeout: float,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        accepts: re.Pattern[str] | None = None,
        hidden: str = "",
    ) -> str:
        """One request within `timeout` seconds or the settings' own; what the receiver said, or DeliveryError.

        A 2xx whose body lacks what `accepts` looks for is a refusal (`not_accepted`). What is `hidden` is left out of
        what the receiver said.
        """
        return self._said(self._exchange(method, url, body, timeout, headers), accepts, hidden)

    def ask(self, url: str, timeout: float, *, headers: Mapping[str, str]) -> Any:
        """What a GET within `timeout` seconds, or the settings' own, answers as JSON; DeliveryError."""
        answer = self._exchange("GET", url, None, timeout, headers)
        said = self._said(answer, None, "")
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise DeliveryError("bad_content", f"the answer is no JSON: {said}") from None

    def _exchange(
        self, method: str, url: str, body: bytes | None, timeout: float, headers: Mapping[str, str] | None
    ) -> http.Response:
        try:
            return http.send(
                method,
                url,
                timeout=min(timeout, self._settings.timeout),
                headers={"Content-Type": JSON, "User-Agent": f"pacs-monitor/{__version__}", **(headers or {})},
                body=body,
                size_limit=ANSWER_LIMIT,
                whole=False,
                access=_access(self._settings, url),
            )
        except http.HttpError as error:
            reason = "proxy" if error.reason is Reason.NOT_MEASURED else error.reason
            arrived = error.phase not in _BEFORE_THE_REQUEST
            raise DeliveryError(reason, str(error), may_have_arrived=arrived) from None

    def _said(self, answer: http.Response, accepts: re.Pattern[str] | None, hidden: str) -> str:
        body = answer.body.decode("utf-8", "replace")
        told = body.replace(hidden, "…") if hidden else body
        said = f"HTTP {answer.status} {self._redaction.words(told)}".strip()[:WORDS_LIMIT]
        if 200 <= answer.status < 300:
            if accepts is None or accepts.search(body):
                return said
            # it may be the pattern that is wrong: whatever is sent may have arrived
            raise DeliveryError("not_accepted", said, failure=Failure.REFUSAL)
        temporary = answer.status in _NOT_NOW or answer.status >= 500
        raise DeliveryError(
            f"http_{answer.status}",
            said,
            failure=Failure.TEMPORARY if temporary else Failure.REFUSAL,
            may_have_arrived=answer.status >= 500,
            retry_after=_retry_after(answer.headers.get("Retry-After")),
        )


def time_left(until: float) -> float:
    """Seconds until then, on the monotonic clock, for the next of several requests; never none at all."""
    return max(until - monotonic(), 0.1)


def _access(settings: HttpSettings, url: str) -> http.Access:
    """By the settings, else by the environment; trust is the system's own store where neither says otherwise."""
    proxy = settings.proxy or select_proxy(url, get_environ_proxies(url)) or ""
    if not url.lower().startswith("https:"):
        return http.Access(proxy=proxy)
    bundle = next((value for name in _BUNDLES if (value := os.environ.get(name))), "")
    if not settings.ca and Path(bundle).is_dir() and bundle:
        return http.Access(proxy=settings.proxy)  # a folder of hashed names, which only `requests` reads
    return http.Access(tls=Tls(settings.ca or bundle or None), proxy=proxy)


def _retry_after(value: str | None) -> float | None:
    """Seconds from `Retry-After` (RFC 9110 10.2.3: seconds or a date); None when it says nothing usable."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
