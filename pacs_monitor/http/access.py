"""How a target lets us in, and whom we trust there."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from pacs_monitor.fields import (
    UNPRINTABLE,
    Secret,
    SecretLine,
    Settings,
    TlsSettings,
    WebAddress,
    check_header_value,
    tls_of,
)
from pacs_monitor.http.validation import is_valid_url
from pacs_monitor.model import Node, Tls


def basic(username: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Access:
    """`authorization` is the whole header; with `tls`, trust comes from it alone and not from the environment."""

    authorization: str = field(default="", repr=False)
    tls: Tls | None = None
    proxy: str = ""
    """The URL of the HTTP proxy for the target; "" for none."""

    def elsewhere(self) -> Access:
        """For another host, to which a redirect leads: the same way out, and no credentials."""
        return Access(proxy=self.proxy)


NOBODY = Access()
_PROXY = re.compile(r"http://[^/@?#]+/?")


def is_proxy(url: str) -> bool:
    """Whether it is a root without an account."""
    return bool(_PROXY.fullmatch(url))


def _account(value: str) -> str:
    """RFC 7617 2: a colon ends the name, and neither part may hold control characters."""
    if ":" in value or UNPRINTABLE.search(value):
        raise ValueError("is not an account name (RFC 7617 2): it contains a colon or a control character")
    return value


def _token(value: Secret) -> Secret:
    """Not as strict as RFC 6750 2.1, since servers give out others; but none has a blank."""
    if re.search(r"\s", check_header_value(value).get_secret_value()):
        raise ValueError(
            "is not a bearer token (RFC 6750 2.1): it contains a space; write the token alone, without Bearer"
        )
    return value


class HttpSettings(Settings):
    """A web service, and how it lets us in."""

    url: WebAddress
    """Root URL of the service, such as https://pacs.example.org/dicom-web."""
    username: Annotated[str, AfterValidator(_account)] = ""
    """Account name (basic authentication, RFC 7617); none by default."""
    password: SecretLine = Secret("")
    """Its password; or password_file."""
    token: Annotated[Secret, AfterValidator(_token)] = Secret("")
    """Bearer token (RFC 6750), instead of an account; or token_file."""
    tls: TlsSettings | None = None
    """Trusted CAs and our client certificate; the system's trust store by default."""
    proxy: WebAddress = ""
    """HTTP proxy for the service, such as http://proxy.example.org:3128; a direct connection by default."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        try:
            parts = urlsplit(self.url)
            alone = parts.username is None and not parts.query and not parts.fragment
            fine = alone and parts.port != 0 and is_valid_url(self.url)
        except ValueError:
            fine = False
        if not fine:
            raise ValueError("write url as https://HOST:PORT/PATH, the root of the service and nothing else")
        if self.proxy and not (is_proxy(self.proxy) and is_valid_url(self.proxy)):
            raise ValueError("write proxy as http://HOST:PORT, without an account")
        if parts.scheme == "http" and self.tls:
            raise ValueError("remove tls or write https://: url begins with http://")
        if self.username and self.token.get_secret_value():
            raise ValueError("set either username or token, not both")
        return self

    def access(self) -> Access:
        token = self.token.get_secret_value()
        authorization = f"Bearer {token}" if token else ""
        if self.username:
            authorization = basic(self.username, self.password.get_secret_value())
        return Access(authorization, tls_of(self.tls), self.proxy)

    def peer(self, node: Node) -> tuple[str, ...]:  # noqa: ARG002 - the Protocol's
        """The URL, which has no account, query or fragment (RFC 3986 6.2.2.1: scheme and host are of either case)."""
        parts = urlsplit(self.url)
        return parts.scheme.lower(), parts.netloc.lower(), parts.path
