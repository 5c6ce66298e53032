"""Mail: plain and HTML, one thread per incident, handed over to a mail server by SMTP.

```yaml
mail:
  type: email
  host: relay.hospital.example.org
  tls: if_offered
  login: none
  sender: "PACS monitor <pacs-monitor@hospital.example.org>"
  to: ["IT on duty <it-duty@hospital.example.org>", pacs-team@hospital.example.org]
```

That is the relay of the house, on port 25. A server that wants a login gets it over verified TLS alone:

```yaml
mail:
  type: email
  host: smtp.example.org
  username: pacs-monitor
  password_file: mail.pw
  sender: pacs-monitor@example.org
  to: it-duty@example.org
```

| `tls` | port, unless set | what it means |
|---|---|---|
| `starttls` (default) | 587 | begins in plain text and must change to TLS; the certificate is verified |
| `tls` | 465 | TLS from the first byte; the certificate is verified |
| `if_offered` | 25 | TLS where the server offers it, else none; the certificate is verified with `ca` alone |

Certificates are verified by `ca`, else by the system's trust store. Logins are CRAM-MD5, PLAIN or LOGIN; for what asks
for OAuth (Exchange Online), use the relay of the house.

A mail is delivered when the server has taken it for at least one recipient: nobody gets it twice because another
mailbox is full. Whoever was not accepted is named in the answer, in the log and in `pacs-monitor status`; if it was for
now (4xx), that recipient is tried again every minute for an hour. When nobody was taken, 4xx and network failures are
retried, and 5xx are refusals. After a refused login there are 5 min until the next attempt, so that the account is not
locked. A mail server that takes a mail may still lose it: let `test` send one regularly.

Every mail of an incident refers to its first one, and has the same subject (the end of the incident's ID stands in it),
so that Outlook, Gmail and Thunderbird show one thread; the first line says what has changed. Retries have the same
Message-ID. Mails of maintenance have an `.ics` for the calendar. No link does more than open a page, for mail scanners
open links. For filters: `X-Pacs-Monitor`, `-Event`, `-Severity`, `-Node`, `-Site`, `-Role`; critical pages have
`Importance: high`. Nothing answers them (`Auto-Submitted`, `X-Auto-Response-Suppress`).

A scheduled report is attached in the first of its `formats` that was made, as long as it is in its folder and at most
10 MB; with `disclose: minimal` it is not.

Domains may be international; what stands before the @ must be ASCII, because not every server on the way takes more
(RFC 6531).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from contextlib import suppress
from email.headerregistry import Address
from email.policy import SMTP
from time import monotonic
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pacs_monitor.channels.shared.attachments import report_files
from pacs_monitor.channels.shared.disclosure import Disclose, disclosed
from pacs_monitor.channels.shared.mail import composed
from pacs_monitor.channels.shared.recipients import RETRIED_FOR, Owed, Recipients
from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.channels.shared.smtp import AFTER_REFUSED_LOGIN, Encryption, Handed, Server, hand_over, listed
from pacs_monitor.fields import UNPRINTABLE, Duration, ExistingFile, Host, Port, SecretLine, Settings, Texts
from pacs_monitor.model import DeliveryError, Notification

RETRY_EVERY = 60.0
"""Seconds between attempts for those who were refused for now."""
PORTS = {Encryption.STARTTLS: 587, Encryption.TLS: 465, Encryption.IF_OFFERED: 25}


def _mailbox(text: str) -> Address:
    """RFC 5322 3.4: `Name <name@host>` or `name@host`, one of them; ValueError for anything else."""
    wrong = ValueError(f"{text!r} is no address; write name@host.example.org or Name <name@host.example.org>")
    if UNPRINTABLE.search(text):
        raise wrong
    try:
        header = SMTP.header_factory("To", text)
        (found,) = header.addresses
    except (ValueError, IndexError):
        raise wrong from None
    if not (found.username and found.domain):
        raise wrong
    if not found.username.isascii():
        raise ValueError(f"{text!r}: write an address that is ASCII before the @; servers on the way refuse others")
    if any(header.defects):
        raise wrong
    try:
        domain = found.domain.encode("idna").decode()
    except UnicodeError:
        raise wrong from None
    return Address(found.display_name, found.username, domain)


def _mailbox_text(text: str) -> str:
    _mailbox(text)
    return text


def _mailbox_texts(texts: tuple[str, ...]) -> tuple[str, ...]:
    addresses = [_mailbox(text).addr_spec.lower() for text in texts]
    if double := next((one for one in addresses if addresses.count(one) > 1), ""):
        raise ValueError(f"remove one {double}: it is named twice")
    return texts


class EmailSettings(Settings):
    host: Host
    """Name or address of the mail server."""
    port: Port | None = None
    """Its port; by default 587, with `tls: tls` 465, with `tls: if_offered` 25."""
    tls: Encryption = Encryption.STARTTLS
    """How the connection is encrypted."""
    ca: ExistingFile | None = None
    """PEM file of the CAs to trust; by default the system's trust store."""
    login: Literal["password", "none"] = "password"
    """`none` for a relay that wants no login."""
    username: str = ""
    """Account name."""
    password: SecretLine | None = None
    """Its password; or password_file."""
    sender: Annotated[str, AfterValidator(_mailbox_text)]
    """From whom mails are: `name@host` or `Name <name@host>`."""
    to: Annotated[Texts, Field(min_length=1), AfterValidator(_mailbox_texts)]
    """To whom they go: one address, or a list of them; each sees the others."""
    hello: Host | None = None
    """Our name for the server (EHLO); by default this machine's full name, or its address if it has none."""
    timeout: Duration = 20.0
    """Time limit for handing over a mail, from connecting to the server's answer."""
    disclose: Disclose = "full"

    @model_validator(mode="after")
    def _login_fits(self) -> Self:
        given = bool(self.username) or self.password is not None
        if self.login == "none" and given:
            raise ValueError("remove login: none, or username and password: only one of them can be meant")
        if self.login == "password" and not (self.username and self.password):
            raise ValueError("set username and password_file, or login: none for a relay that wants no login")
        if self.login == "password" and self.tls is Encryption.IF_OFFERED:
            raise ValueError("set tls: starttls or tls: tls: a password is sent over verified TLS alone")
        if not (self.username + (self.password.get_secret_value() if self.password else "")).isascii():
            raise ValueError("choose a username and a password of ASCII characters: servers do not agree on others")
        return self


class Email:
    """Hands mails over to one server."""

    kind: ClassVar[str] = "email"
    settings: ClassVar[type[EmailSettings]] = EmailSettings
    owns_escalation: ClassVar[bool] = False
    takes_answers: ClassVar[bool] = False

    def __init__(self, name: str, settings: EmailSettings) -> None:
        self.name = name
        self._settings = settings
        self._sender, self._to = _mailbox(settings.sender), [_mailbox(text) for text in settings.to]
        self._server = _server(settings)
        self._recipients = Recipients(name)
        self._refused_login: tuple[float, DeliveryError] | None = None
        """Until when there is no other attempt, on the monotonic clock."""

    @property
    def refresh_every(self) -> float:
        return RETRY_EVERY

    def warnings(self) -> Sequence[str]:
        return self._recipients.warnings()

    def refresh(self, standing: Sequence[Notification], timeout: float) -> None:  # noqa: ARG002 - mail forgets nothing
        """Once more to those who were refused for now; what is still open is in their mailboxes."""
        until = monotonic() + timeout
        for owed in self._recipients.owed(monotonic()):
            if monotonic() >= until:
                return
            with suppress(DeliveryError):
                self._hand_over(owed, until - monotonic())

    def deliver(self, notification: Notification, timeout: float) -> str:
        """Hand over one mail; what the server said, and who was not accepted; or DeliveryError."""
        data = disclosed(notification, self._settings.disclose)
        attached = report_files(data)
        mail = composed(notification, data, str(self._sender), ", ".join(map(str, self._to)), attached)
        about, addresses = notification.incident or notification.id, tuple(to.addr_spec for to in self._to)
        sent = Owed(notification.id, about, mail.as_bytes(), addresses, monotonic() + RETRIED_FOR)
        return _said(self._hand_over(sent, timeout))

    def _hand_over(self, sent: Owed, timeout: float) -> Handed:
        if self._refused_login and monotonic() < self._refused_login[0]:
            raise self._refused_login[1]
        limit = min(timeout, self._settings.timeout)
        try:
            handed = hand_over(self._server, self._sender.addr_spec, sent.to, sent.message, limit)
        except DeliveryError as error:
            if error.reason == "auth":
                self._refused_login = monotonic() + AFTER_REFUSED_LOGIN, error
            raise
        self._recipients.note(sent, handed.taken, handed.rejected)
        return handed


def _said(handed: Handed) -> str:
    if not handed.rejected:
        return handed.said
    everybody = len(handed.taken) + len(handed.rejected)
    return f"{handed.said}; accepted for {len(handed.taken)} of {everybody}, not for {listed(handed.rejected)}"


def _server(settings: EmailSettings) -> Server:
    password = settings.password.get_secret_value() if settings.password else ""
    return Server(
        settings.host,
        settings.port or PORTS[settings.tls],
        settings.tls,
        settings.ca,
        (settings.hello or "").encode("idna").decode(),
        settings.username,
        password,
        Redaction(others=_spellings(settings.username, password)),
    )


def _spellings(username: str, password: str) -> Iterable[str]:
    """A password as it stands in a session: also as LOGIN and PLAIN (RFC 4616) encode it."""
    if not password:
        return ()
    encoded = (password, f"\0{username}\0{password}")
    return (password, *(base64.b64encode(text.encode()).decode() for text in encoded))
