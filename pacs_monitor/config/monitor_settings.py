"""`monitor:` as settings: the monitor itself, where it listens, and who may ask it what."""

from __future__ import annotations

import ssl
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from pacs_monitor import patterns
from pacs_monitor.config.heartbeat import Heartbeat
from pacs_monitor.config.values import BearerToken, Database, HostPort, Name, Networks, TimeZone
from pacs_monitor.fields import AETitle, Duration, ExistingFile, Settings, Texts, TlsSettings, WebAddress
from pacs_monitor.model import Address, Paging
from pacs_monitor.patterns import trimmed


def _a_day_at_least(seconds: float) -> float:
    if seconds < 86_400:
        raise ValueError("is shorter than a day; write 1d or more")
    return seconds


class Token(Settings):
    """One token for the API and `/metrics`."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"role": {"enum": ["viewer", "operator"]}}, "required": ["role"]},
            "then": {"properties": {"checks": {"type": "array", "maxItems": 0}}},
        }
    )

    name: Name
    """Who holds the token; appears in the audit log."""
    role: Literal["viewer", "operator", "reporter"]
    """`viewer` reads, `operator` also writes, `reporter` only sends job reports (`push`)."""
    token: BearerToken
    """The token itself, sent as `Authorization: Bearer …`; or token_file."""
    checks: Texts = ()
    """For a `reporter`: the checks that it reports for, as `node/check` or a glob."""

    @model_validator(mode="after")
    def _scope(self) -> Self:
        if self.checks and self.role != "reporter":
            raise ValueError(f"checks is only for the role reporter; the role {self.role} covers all checks")
        return self


class Auth(Settings):
    """Who may use the API, `/metrics` and the pages."""

    tokens: tuple[Token, ...]
    """The tokens that are accepted."""


class ServerTls(Settings):
    """TLS of our own server."""

    cert: ExistingFile
    """PEM file with the server's certificate and its chain."""
    key: ExistingFile
    """PEM file with the private key."""

    def context(self) -> ssl.SSLContext:
        """For a server of ours; raises OSError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.read_into(context)
        return context

    def read_into(self, context: ssl.SSLContext) -> None:
        """Handshakes from now on show this certificate; raises OSError."""
        context.load_cert_chain(self.cert, self.key, password="")  # without one, OpenSSL would ask on the terminal

    def read_again_into(self, context: ssl.SSLContext) -> list[str]:
        """The files may have been renewed; what went wrong, when somebody writes them just now."""
        try:
            self.read_into(context)
        except OSError:
            return [f"reload once more: {self.cert} and its key do not match at the moment"]
        return []

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            self.context()
        except OSError as error:
            why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
            why = why or "no certificate found"
            raise ValueError(f"its files cannot be read, do not match each other, or are not PEM ({why})") from None
        return self


class DicomListener(Settings):
    """Our own DICOM acceptor."""

    listen: HostPort
    """Host and port."""
    ae_title: AETitle
    """Our called AE title."""


class ListenerTls(ServerTls):
    """TLS of a listener for senders."""

    ca: ExistingFile | None = None
    """PEM file of CAs: senders must present a certificate signed by one of them (required by IHE ATNA)."""

    def read_into(self, context: ssl.SSLContext) -> None:
        super().read_into(context)
        if self.ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)


class Hl7Listener(Settings):
    """Our own MLLP listener; it takes copies of feeds, and heartbeats that come back, and keeps none of them."""

    listen: HostPort = ("127.0.0.1", 2575)
    """Host and port; by default reachable only from this machine."""
    sources: Networks = Field(alias="from")
    """Addresses or networks of the senders; messages from anywhere else are rejected (AR)."""
    receiving_application: Annotated[str, Field(min_length=1)]
    """MSH-5 of accepted messages; any other is rejected (AR)."""
    receiving_facility: str
    """MSH-6 of accepted messages."""
    tls: ListenerTls | None = None
    """Accept messages only over TLS, with this certificate."""


class AuditSettings(Settings):
    """Where the audit log goes besides the database."""

    syslog: HostPort
    """Host and port of a syslog receiver; messages are those of RFC 5424 with structured data."""
    transport: Literal["tcp", "udp"] = "tcp"
    """Without `tls`: TCP (RFC 6587, octet counting), or UDP (RFC 5426), which loses messages unnoticed."""
    tls: TlsSettings | None = None
    """Speak TLS (RFC 5425); its usual port is 6514."""

    @model_validator(mode="after")
    def _secured_by_tcp(self) -> Self:
        if self.tls is not None and self.transport == "udp":
            raise ValueError("leave transport out, or tls: TLS needs TCP (RFC 5425)")
        return self


class Retention(Settings):
    """How long something is kept."""

    people: Annotated[Duration, AfterValidator(_a_day_at_least), WithJsonSchema(trimmed(patterns.PACE, "400d"))] = (
        400 * 86_400.0
    )
    """Names of people in acknowledgements, notes, audit and revisions become roles after that; at least `1d`."""


_OPEN_TO_OTHERS: dict[str, Any] = {
    "if": {
        "properties": {"listen": {"pattern": r"^(?:\[::\]:|(?!\s|\[|127\.|localhost:))[^$]*$"}},
        "required": ["listen"],
    },
    "then": {"required": ["auth"]},
}
"""For editors: whoever listens wider than loopback needs `auth`."""


class MonitorSettings(Settings):
    """The monitor itself."""

    model_config = ConfigDict(json_schema_extra=_OPEN_TO_OTHERS)

    name: Name
    """Appears in pages, reports and metrics; one running instance per name and database."""
    timezone: TimeZone = "UTC"
    """IANA time zone for calendars, maintenance and reports."""
    ae_title: AETitle = "PACSMON"
    """Our calling AE title, unless a node or check sets its own."""
    database: Database = Field("sqlite:///pacs-monitor.db", validate_default=True, repr=False)
    """`sqlite:///FILE` or `postgresql+psycopg://USER@HOST/NAME`; or database_file."""
    listen: HostPort = ("127.0.0.1", 9741)
    """Host and port of the API, `/metrics` and the pages; wider than loopback needs `auth`."""
    external_url: WebAddress = ""
    """The URL of this monitor for links in pages; default `http://LISTEN`."""
    paging: Paging = Paging.ON
    """`on`, `shadow` (record what would have been sent) or `off`; also per site, node and check."""
    allow: Texts = ()
    """The exec and sql checks (`node/check`) that may run."""
    site: str = ""
    """Where the monitor stands: a name under `sites`. Other sites are unreachable, not isolated, while its references
    answer and theirs do not."""
    auth: Auth | None = None
    """Tokens for the API; without them only this machine itself is served."""
    tls: ServerTls | None = None
    """Serve HTTPS with this certificate."""
    dicom_listener: DicomListener | None = None
    """Our own DICOM acceptor, for `verify: move` and `commitment`."""
    hl7_listener: Hl7Listener | None = None
    """Our own MLLP listener, for `hl7_feed` and for `verify: loop` of `hl7_heartbeat`."""
    heartbeat: Heartbeat | None = None
    """Regular requests to an external dead man's switch, sent only while probing, alerting and writing work."""

    audit: AuditSettings | None = None
    """Where the audit log goes besides the database."""
    retention: Retention = Retention()
    """How long names of people are kept."""

    @property
    def url(self) -> str:
        """Where people reach this monitor, without a slash at the end."""
        return self.external_url or f"{'https' if self.tls else 'http'}://{Address(*self.listen)}"
