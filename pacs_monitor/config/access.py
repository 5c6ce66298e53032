"""`monitor.auth` and `monitor.wall` as settings: who may ask, by a token, a proxy's word, or a screen's address."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from pacs_monitor import patterns
from pacs_monitor.config.values import BearerToken, Name, Networks
from pacs_monitor.fields import Day, Settings, Texts
from pacs_monitor.patterns import at_least_one_of, text

EVERYBODY = "*"
"""Among the groups of a role: whoever the proxy has let in."""


class Token(Settings):
    """One token for the API and `/metrics`."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"role": {"enum": ["viewer", "operator", "gateway", "wall"]}}, "required": ["role"]},
            "then": {"properties": {"checks": {"type": "array", "maxItems": 0}}},
        }
    )

    name: Name
    """Who holds the token; appears in the audit log."""
    role: Literal["viewer", "operator", "reporter", "gateway", "wall"]
    """`viewer` reads, `operator` also writes, `reporter` only sends job reports (`push`), `gateway` only forwards
    replies to pages, `wall` sees `/wall` alone."""
    token: BearerToken
    """The token itself, sent as `Authorization: Bearer …`; or token_file."""
    checks: Texts = ()
    """For a `reporter`: the checks that it reports for, as `node/check` or a glob."""
    expires: Day | None = None
    """The last day on which it is accepted, in the monitor's time zone; `check-config` warns 30 days before."""

    def has_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and today > self.expires

    @model_validator(mode="after")
    def _scope(self) -> Self:
        if self.checks and self.role != "reporter":
            raise ValueError(f"checks is only for the role reporter; the role {self.role} covers all checks")
        return self


def _header_name(value: str) -> str:
    """Proxies drop or rename what has an underscore, and some backends take `_` for `-`: never a name to rely on."""
    if not re.fullmatch(patterns.HEADER_NAME, value) or "_" in value:
        raise ValueError(f"{value!r} is not the name of a header; write one such as X-Remote-User, without '_'")
    if value.lower() in ("authorization", "cookie", "host", "origin"):
        raise ValueError(f"{value!r} comes from browsers themselves; write one of the proxy's, such as X-Remote-User")
    return value


HeaderName = Annotated[
    str, AfterValidator(_header_name), WithJsonSchema(text(r"[!#$%&'*+.^`|~0-9A-Za-z-]+", "X-Remote-User"))
]


class ProxyRoles(Settings):
    """Which groups of people have which role."""

    model_config = ConfigDict(json_schema_extra=at_least_one_of(("operator",), ("viewer",)))

    operator: Texts = ()
    """Groups whose people may read and write."""
    viewer: Texts = ()
    """Groups whose people may read; `*` is whoever the proxy lets in."""

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.operator and not self.viewer:
            raise ValueError("name the groups of a role: operator: [PACS-Operators], or viewer: ['*']")
        return self


class ProxyAuth(Settings):
    """A reverse proxy that signs people in, and says in headers who asks."""

    sources: Networks = Field(alias="from")
    """Addresses (10.0.0.5) or networks of the proxy: from anywhere else its headers are ignored."""
    user_header: HeaderName
    """The header with the person's name, which the proxy sets or removes in every request: `X-Remote-User`."""
    groups_header: HeaderName = "X-Remote-Groups"
    """The header with the person's groups, with commas, semicolons or `|` between them; set or removed likewise."""
    roles: ProxyRoles
    """The groups that have a role. Who is in none of them is refused."""

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if any(ip_network(one, strict=False).prefixlen == 0 for one in self.sources):
            raise ValueError("from: whoever it names can claim to be anybody; write the proxy's own address")
        if self.user_header.lower() == self.groups_header.lower():
            raise ValueError("groups_header: write another header than that of user_header")
        return self

    def role_of(self, groups: Collection[str]) -> Literal["operator", "viewer"] | None:
        """The role of a person in these groups: the one that may do most."""
        if self._names(self.roles.operator, groups):
            return "operator"
        return "viewer" if self._names(self.roles.viewer, groups) else None

    @staticmethod
    def _names(named: Collection[str], groups: Collection[str]) -> bool:
        return EVERYBODY in named or any(group in named for group in groups)


class Auth(Settings):
    """Who may use the API, `/metrics` and the pages."""

    model_config = ConfigDict(json_schema_extra=at_least_one_of(("tokens",), ("proxy",)))

    tokens: tuple[Token, ...] = ()
    """The tokens that are accepted."""
    proxy: ProxyAuth | None = None
    """A reverse proxy that signs people in."""

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if self.proxy is None and "tokens" not in self.model_fields_set:
            raise ValueError("needs tokens, proxy, or both")
        return self


class Wall(Settings):
    """Who sees the page for the wall without a token."""

    sources: Networks = Field(alias="from")
    """Addresses (10.0.0.31) and networks (10.1.2.0/28) of the screens."""
