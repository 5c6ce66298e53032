"""Headers and the one account by which a receiver knows us."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pacs_monitor import http
from pacs_monitor.channels.shared.http import HttpSettings
from pacs_monitor.fields import Headers, Secret, SecretLine, check_header_value


def _is_a_token(token: Secret | None) -> Secret | None:
    return None if token is None else check_header_value(token)


class AccountSettings(HttpSettings):
    """What channels may say whose receivers differ in how they know us."""

    headers: Headers = Field(default_factory=dict)
    """Headers to send with every event."""
    username: str = ""
    """Account name (basic authentication, RFC 7617)."""
    password: SecretLine | None = None
    """Its password; or password_file."""
    token: Annotated[SecretLine | None, AfterValidator(_is_a_token)] = None
    """Bearer token (RFC 6750); or token_file."""

    @model_validator(mode="after")
    def _one_account(self) -> Self:
        if bool(self.username) + bool(self.token) + any(name.lower() == "authorization" for name in self.headers) > 1:
            raise ValueError("set one of username, token and the header Authorization")
        if self.password is not None and not self.username:
            raise ValueError("set username too: a password alone is not sent")
        return self

    def fixed(self) -> dict[str, str]:
        """The headers of every request."""
        given = {name: value.get_secret_value() for name, value in self.headers.items()}
        if self.token is not None:
            return given | {"Authorization": f"Bearer {self.token.get_secret_value()}"}
        if self.username:
            password = self.password.get_secret_value() if self.password else ""
            return given | {"Authorization": http.basic(self.username, password)}
        return given

    def secrets(self) -> list[str]:
        """What of these must not get out."""
        return [*self.fixed().values(), *([self.password.get_secret_value()] if self.password else [])]
