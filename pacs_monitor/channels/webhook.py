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

For receivers that want something else, `body` has templates (Jinja2, sandboxed):

```yaml
chat:
  type: webhook
  url: "https://chat.example.org/hooks/${CHAT_HOOK:-choose-one}"
  body:
    opened: '{"text": {{ summary | cut(2000) | tojson }}}'
    resolved: '{"text": {{ summary | tojson }}}'
```

`opened` is for opened; `changed` for changed, reminded, escalated and acknowledged; `resolved` for resolved, withdrawn
and closed; `notice` for digests and maintenance. For an event without a template nothing is sent. A test sends
`opened`, then `resolved`. A template sees every key of [a page](../operations.md#what-a-page-says) (one that a page
does not have is empty), and `text` (all of the page, line by line, the first word CRITICAL where it is), `key` (the
same from opened to resolved), `id` (the same on every retry), `type`, `event` and `timestamp`. Filters:
`cut(CHARACTERS)`, `tojson`, `urlencode`, `default`, `first`, `join`, `length`, `lower`, `replace`, `trim`, `upper`.
Write every text in JSON with `tojson`. The body must be JSON unless the header Content-Type says otherwise.

A value of `headers` may be a template, too, as for ntfy: `headers: {Title: "{{ title }}", Priority: "{{ {'critical':
'urgent'}[severity] | default('default') }}"}`. It becomes one line of ASCII (`?` for what is none); one that is empty
is not sent.
[Recipes](../recipes.md#tickets-and-chats) for ServiceNow, Jira, Zammad, GLPI, Mattermost and Rocket.Chat.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from pacs_monitor.channels.shared.accounts import AccountSettings
from pacs_monitor.channels.shared.disclosure import Disclose, disclosed
from pacs_monitor.channels.shared.http import HttpSender, Receiver, time_left
from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.channels.shared.rendering import json_bytes
from pacs_monitor.channels.shared.templates import (
    Bodies,
    check_headers,
    check_json,
    header,
    is_template,
    literals,
    rendered,
)
from pacs_monitor.fields import Headers, Secret, SecretLine
from pacs_monitor.model import Notification, iso

_PREFIX = "whsec_"


class WebhookSettings(AccountSettings):
    url: Receiver
    """Where to send, http or https. Treated as a secret, because many receivers put a token into it."""
    secret: SecretLine | None = None
    """Secret that signs every event (Standard Webhooks); `whsec_` and base64, or any text."""
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    """HTTP method."""
    headers: Annotated[Headers, AfterValidator(check_headers)] = Field(default_factory=dict)
    """Headers to send with every event; a value with {{ … }} is a template, as those of body are."""
    body: Bodies | None = None
    """Templates of the bodies (Jinja2), instead of the event in JSON."""
    disclose: Disclose = "full"

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, secret: Secret | None) -> Secret | None:
        if secret is not None and not _key(secret):
            raise ValueError("empty")
        return secret

    @model_validator(mode="after")
    def _is_json(self) -> Self:
        for event, text in self.body or () if _as_json(self.fixed()) else ():
            try:
                check_json(text)
            except ValueError as error:
                raise ValueError(f"body.{event}: {error}") from None
        return self


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
        given = settings.fixed()
        self._templates = {name: text for name, text in given.items() if is_template(text)}
        self._fixed = {name: text for name, text in given.items() if name not in self._templates}
        own = [settings.secret.get_secret_value()] if settings.secret else []
        own += [part for text in self._templates.values() for part in literals(text)]
        known = [secret for secret in settings.secrets() if not is_template(secret)]
        self._sender = HttpSender(settings, Redaction([self._url], [*known, *own]))

    def deliver(self, notification: Notification, timeout: float) -> str:
        """Send one event; what the receiver said, or DeliveryError."""
        until, said = monotonic() + timeout, ""
        own = self._own_headers(notification)
        for body in self._bodies(notification):
            headers = self._headers(notification.id, body, own)
            answer = self._sender.send(self._url, body, time_left(until), headers=headers, method=self._settings.method)
            said = said or answer
        return said or f"nothing is sent: body has no template for {notification.event}"

    def _bodies(self, notification: Notification) -> list[bytes]:
        data, bodies = disclosed(notification, self._settings.disclose), self._settings.body
        if bodies is None:
            return [json_bytes({"type": notification.type, "timestamp": iso(notification.created), "data": data})]
        as_json = _as_json(self._fixed)
        return [rendered(text, notification, data, as_json=as_json) for text in bodies.of(notification.event)]

    def _own_headers(self, notification: Notification) -> dict[str, str]:
        """Those of the configuration; a template that makes nothing is no header."""
        data = disclosed(notification, self._settings.disclose)
        made = {name: header(text, notification, data) for name, text in self._templates.items()}
        return self._fixed | {name: value for name, value in made.items() if value}

    def _headers(self, identity: str, body: bytes, own: Mapping[str, str]) -> dict[str, str]:
        headers = {
            **own,
            "webhook-id": identity,
            "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
        }
        if self._settings.secret is not None:
            signed = f"{identity}.{headers['webhook-timestamp']}.".encode() + body
            digest = hmac.digest(_key(self._settings.secret), signed, hashlib.sha256)
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers


def _as_json(headers: Mapping[str, str]) -> bool:
    kinds = [value for name, value in headers.items() if name.lower() == "content-type"]
    return not kinds or "json" in kinds[0]


def _key(secret: Secret) -> bytes:
    text = secret.get_secret_value()
    if not text.startswith(_PREFIX):
        return text.encode()
    encoded = text.removeprefix(_PREFIX)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise ValueError("write base64 after whsec_") from None
