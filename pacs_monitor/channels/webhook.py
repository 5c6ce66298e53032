"""A webhook: one HTTP POST per event, signed with a `secret`.

```yaml
hook: {type: webhook, url: "https://hooks.example.org/pacs", secret_file: hook.secret}
```

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
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import Field, field_validator

from pacs_monitor.channels.shared.http import HttpSender, HttpSettings, Receiver
from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.channels.shared.rendering import json_bytes
from pacs_monitor.fields import Headers, Secret, SecretLine
from pacs_monitor.model import Notification, iso

_PREFIX = "whsec_"


class WebhookSettings(HttpSettings):
    url: Receiver
    """Where to POST, http or https. Treated as a secret, because many receivers put a token into it."""
    secret: SecretLine | None = None
    """Secret that signs every event (Standard Webhooks); `whsec_` and base64, or any text."""
    headers: Headers = Field(default_factory=dict)
    """Headers to send with every event, such as Authorization."""

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
        secrets = [*settings.headers.values(), *filter(None, [settings.secret])]
        redaction = Redaction([self._url], [secret.get_secret_value() for secret in secrets])
        self._sender = HttpSender(settings, redaction)

    def deliver(self, notification: Notification, timeout: float) -> str:
        """POST one event; what the receiver said, or DeliveryError."""
        event = {"type": notification.type, "timestamp": iso(notification.created), "data": notification.data}
        body = json_bytes(event)
        return self._sender.send(self._url, body, timeout, headers=self._headers(notification.id, body))

    def _headers(self, identity: str, body: bytes) -> dict[str, str]:
        headers = {
            **{name: value.get_secret_value() for name, value in self._settings.headers.items()},
            "webhook-id": identity,
            "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
        }
        if self._settings.secret is not None:
            signed = f"{identity}.{headers['webhook-timestamp']}.".encode() + body
            digest = hmac.digest(_key(self._settings.secret), signed, hashlib.sha256)
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers


def _key(secret: Secret) -> bytes:
    text = secret.get_secret_value()
    if not text.startswith(_PREFIX):
        return text.encode()
    encoded = text.removeprefix(_PREFIX)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise ValueError("write base64 after whsec_") from None
