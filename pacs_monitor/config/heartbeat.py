"""`monitor.heartbeat` as settings."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from pacs_monitor.config.values import BearerToken, Pace
from pacs_monitor.fields import Secret, SecretLine, Settings, TlsSettings, tls_of
from pacs_monitor.http import Access, is_valid_url


class Heartbeat(Settings):
    """The dead man's switch outside of this machine."""

    url: SecretLine
    """URL that is requested while probing, alerting and writing work; a secret, or url_file."""
    interval: Pace = 60.0
    """How often."""
    method: Literal["GET", "POST"] = "GET"
    """How; a `push` check of another monitor takes POST."""
    token: BearerToken | None = None
    """Bearer token (RFC 6750) to send; none by default; or token_file."""
    tls: TlsSettings | None = None
    """Trusted CAs and our client certificate; the system's trust store by default."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: Secret) -> Secret:
        if not is_valid_url(url.get_secret_value()):
            raise ValueError("write https://host/path: this is not a URL that can be requested")
        return url

    def access(self) -> Access:
        """How the receiver lets us in, and whom we trust there."""
        authorization = f"Bearer {self.token.get_secret_value()}" if self.token else ""
        return Access(authorization, tls_of(self.tls))
