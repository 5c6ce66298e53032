"""A webhook: one HTTP POST per event, signed with a `secret`.

The body is `{"type", "timestamp", "data"}` in JSON (`data` is described in the operations manual). With a `secret` it
is signed by the Standard Webhooks scheme: `webhook-id` is the notification's identity, the same on every retry, so
that receivers can drop duplicates; `webhook-timestamp` is the time of the attempt in seconds; `webhook-signature` is
`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. A secret that starts with `whsec_` is base64 after that
prefix; any other is used as its UTF-8 bytes.

Any 2xx means delivered, whatever happens to the answer's body; preceding 1xx answers are skipped (RFC 9110 15.2). All
other answers and network failures are retried, no sooner than `Retry-After` asks: after 1 s, doubling to 60 s. 3xx, and
4xx other than 408, 425 and 429, are refusals: after the tenth it is retried every 5 min. Redirects are not followed:
configure the receiver's final address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar
from urllib.parse import SplitResult, unquote_plus, urlsplit

from pydantic import Field, field_validator

from pacs_monitor import __version__, http
from pacs_monitor.fields import Duration, Headers, Secret, SecretLine, Settings
from pacs_monitor.model import DeliveryError, Failure, Notification, Phase, iso

WORDS_LIMIT = 200
"""How many characters of the receiver's answer are kept."""
SHORTEST_PIECE = 4
"""Characters: shorter parts of a URL or header are not treated as secrets, because they occur in ordinary words."""
_BETWEEN = re.compile(r"[/?&=;,\s]+")
_PREFIX = "whsec_"
_NOT_NOW = frozenset({408, 425, 429})
"""4xx statuses that ask for a retry (RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4)."""
_BEFORE_THE_REQUEST = frozenset({Phase.RESOLVE, Phase.CONNECT, Phase.TLS})
_ANSWER_LIMIT = 64 * 1024


class WebhookSettings(Settings):
    url: SecretLine
    """Where to POST, http or https. Treated as a secret, because many receivers put a token into it."""
    secret: SecretLine | None = None
    """Secret that signs every event (Standard Webhooks); `whsec_` and base64, or any text."""
    timeout: Duration = 10.0
    """Time limit for the whole exchange, from connecting to the last byte of the answer."""
    headers: Headers = Field(default_factory=dict)
    """Headers to send with every event, such as Authorization."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: Secret) -> Secret:
        parts = urlsplit(url.get_secret_value())
        if not (parts.hostname and _has_a_port(parts) and http.is_valid_url(url.get_secret_value())):
            raise ValueError("write https://host/path: this is not the URL of a webhook")
        return url

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, secret: Secret | None) -> Secret | None:
        if secret is not None and not _key(secret):
            raise ValueError("empty")
        return secret


class Webhook:
    """Delivers notifications to one URL."""

    kind: ClassVar[str] = "webhook"
    settings: ClassVar[type[WebhookSettings]] = WebhookSettings
    owns_escalation: ClassVar[bool] = False
    takes_answers: ClassVar[bool] = False

    def __init__(self, name: str, settings: WebhookSettings) -> None:
        self.name = name
        self._settings = settings
        self._url = settings.url.get_secret_value()

    def deliver(self, notification: Notification, timeout: float) -> str:
        """POST one event; what the receiver said, or DeliveryError."""
        body = _body(notification)
        try:
            answer = http.send(
                "POST",
                self._url,
                timeout=min(timeout, self._settings.timeout),
                headers=self._headers(notification.id, body),
                body=body,
                size_limit=_ANSWER_LIMIT,
                whole=False,
            )
        except http.HttpError as error:
            arrived = error.phase not in _BEFORE_THE_REQUEST
            raise DeliveryError(error.reason, str(error), may_have_arrived=arrived) from None
        said = self._words(answer)
        if 200 <= answer.status < 300:
            return said
        temporary = answer.status in _NOT_NOW or answer.status >= 500
        raise DeliveryError(
            f"http_{answer.status}",
            said,
            failure=Failure.TEMPORARY if temporary else Failure.REFUSAL,
            may_have_arrived=answer.status >= 500,
            retry_after=_retry_after(answer.headers.get("Retry-After")),
        )

    def _headers(self, identity: str, body: bytes) -> dict[str, str]:
        headers = {
            **{name: value.get_secret_value() for name, value in self._settings.headers.items()},
            "Content-Type": "application/json",
            "User-Agent": f"pacs-monitor/{__version__}",
            "webhook-id": identity,
            "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
        }
        if self._settings.secret is not None:
            signed = f"{identity}.{headers['webhook-timestamp']}.".encode() + body
            digest = hmac.digest(_key(self._settings.secret), signed, hashlib.sha256)
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers

    def _words(self, answer: http.Response) -> str:
        """The status and the beginning of the body, printable, without what we must keep to ourselves."""
        text = answer.body.decode("utf-8", "replace")
        for secret in self._secrets():
            text = text.replace(secret, "…")
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return f"HTTP {answer.status} {text}".strip()[:WORDS_LIMIT]

    def _secrets(self) -> list[str]:
        """Whole and in pieces, as written and as meant; longest first, so that no part of one is left by another."""
        parts = urlsplit(self._url)
        wholes = [parts.path, parts.query, parts.username or "", parts.password or ""]
        wholes += [value.get_secret_value() for value in self._settings.headers.values()]
        if self._settings.secret is not None:
            wholes.append(self._settings.secret.get_secret_value())
        pieces = [piece for whole in wholes for piece in _BETWEEN.split(whole) if len(piece) >= SHORTEST_PIECE]
        written = [self._url, *wholes, *pieces]
        secrets = {*written, *map(unquote_plus, written)}
        return sorted((secret for secret in secrets if len(secret) > 1), key=len, reverse=True)


def _has_a_port(parts: SplitResult) -> bool:
    """Whether the port, if one is written, is one."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def _body(notification: Notification) -> bytes:
    """The same bytes on every retry."""
    event = {"type": notification.type, "timestamp": iso(notification.created), "data": notification.data}
    try:
        return json.dumps(event, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        detail = f"the notification cannot be encoded as JSON: {type(error).__name__}"
        raise DeliveryError("unsendable", detail, failure=Failure.UNSENDABLE, may_have_arrived=False) from None


def _key(secret: Secret) -> bytes:
    text = secret.get_secret_value()
    if not text.startswith(_PREFIX):
        return text.encode()
    encoded = text.removeprefix(_PREFIX)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise ValueError("write base64 after whsec_") from None


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
