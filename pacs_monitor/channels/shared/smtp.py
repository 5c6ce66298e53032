"""Mail as channels hand it over: one session by smtplib (RFC 5321), and what its answers mean for the delivery.

4xx answers are temporary, 5xx are refusals. Whatever fails before the message itself was sent surely did not arrive.
The whole session, from the name to the answer, has one time limit. Nothing here repeats a password.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Any, NamedTuple

from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.format.human import duration
from pacs_monitor.http import HttpError
from pacs_monitor.http.connections import Watch
from pacs_monitor.model import Address, DeliveryError, Failure, Phase, Tls
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.net.tls import client_context, fault

LONGEST_ANSWER = 16384
"""Bytes of one answer that are looked at."""
LONGEST_LINE = 1000
"""Bytes (RFC 5321 4.5.3.1.5 allows 512)."""
QUIT_WITHIN = 1.0
"""Seconds for the goodbye: the message is accepted by then."""
AFTER_REFUSED_LOGIN = 300.0
"""Seconds until the next attempt to log in, so that no account is locked because of ours."""
_QUALIFIED = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Encryption(StrEnum):
    """How a connection is encrypted."""

    STARTTLS = "starttls"
    """It must be, by STARTTLS (RFC 3207), and the certificate is verified."""
    TLS = "tls"
    """It is from the first byte on (RFC 8314), and the certificate is verified."""
    IF_OFFERED = "if_offered"
    """By STARTTLS where the server offers it, and without where it does not."""


class Rejection(NamedTuple):
    """What a server said of one recipient that it did not take."""

    code: int
    words: str

    @property
    def is_final(self) -> bool:
        return self.code >= 500

    def __str__(self) -> str:
        return f"{self.code} {self.words}".strip()


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of a message: at least one recipient has it."""

    said: str
    taken: tuple[str, ...]
    rejected: Mapping[str, Rejection]


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over."""

    host: str
    port: int
    encryption: Encryption
    ca: str | None = None
    hello: str = ""
    """Our name in EHLO; "" for this machine's, or its address where that is no full name."""
    username: str = ""
    password: str = field(default="", repr=False)
    redaction: Redaction = field(default_factory=Redaction, repr=False)


def hand_over(server: Server, sender: str, recipients: Sequence[str], message: bytes, timeout: float) -> Handed:
    """One message to several recipients within `timeout` seconds; DeliveryError when the server took it for none."""
    watch = Watch(timeout, Trace(), (), by_proxy=False)
    with watch.kept():
        return _Talk(server, watch, timeout).hand_over(sender, recipients, message)


class _Talk:
    """One session, or two where encryption was offered and failed."""

    def __init__(self, server: Server, watch: Watch, timeout: float) -> None:
        self._server, self._watch, self._timeout = server, watch, timeout
        self._address = Address(server.host, server.port)
        self._opened: list[_Session] = []
        self._handing_over = False
        """Whether the message itself may be on its way."""

    def hand_over(self, sender: str, recipients: Sequence[str], message: bytes) -> Handed:
        try:
            session = self._ready()
            handed = self._every_round(session, sender, recipients, message)
            with suppress(smtplib.SMTPException, OSError):
                session.goodbye()
        except (NetFailure, smtplib.SMTPException, OSError, UnicodeError) as error:
            raise self._failure(error) from None
        finally:
            for opened in self._opened:
                opened.close()
        return handed

    def _connected(self) -> _Session:
        self._opened.append(session := _Session(self._server, self._watch))
        return session

    def _ready(self) -> _Session:
        """Connected, encrypted as it must be, and logged in."""
        server, session = self._server, self._connected()
        if server.encryption is not Encryption.TLS:
            session = self._encrypted(session)
        if server.username:
            self._log_in(session)
        session.ehlo_or_helo_if_needed()
        return session

    def _encrypted(self, session: _Session) -> _Session:
        server = self._server
        session.ehlo_or_helo_if_needed()
        if not session.has_extn("starttls"):
            if server.encryption is Encryption.IF_OFFERED:
                return session
            fix = "use its port for submission (587), or, for a relay in the house, set tls: if_offered"
            raise self._refused("tls_not_offered", f"{fix}: {self._address} offers no STARTTLS")
        self._watch.trace.begin(Phase.TLS)
        try:
            session.starttls(context=_context(server))
        except (smtplib.SMTPException, OSError):
            if server.encryption is not Encryption.IF_OFFERED or server.ca or self._watch.cut:
                raise
            session = self._connected()
        self._watch.trace.begin(Phase.OPERATION)
        return session

    def _log_in(self, session: _Session) -> None:
        server = self._server
        session.ehlo_or_helo_if_needed()
        offered = str(session.esmtp_features.get("auth", "")).split()
        try:
            session.login(server.username, server.password)
        except smtplib.SMTPAuthenticationError as error:
            if 400 <= error.smtp_code < 500:
                raise
            said = self._words(error.smtp_error)
            what = f"check username and password: {self._address} refuses the login ({error.smtp_code} {said})"
            raise self._refused("auth", what, retry_after=AFTER_REFUSED_LOGIN) from None
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:
            which = f"offers only {' '.join(offered)}" if offered else "offers no login"
            fix = "use its port for submission (587), or set login: none for a relay that wants none"
            raise self._refused("auth", f"{fix}: {self._address} {which}") from None

    def _every_round(self, session: _Session, sender: str, recipients: Sequence[str], message: bytes) -> Handed:
        """Servers that take only so many recipients at a time say 452 to the rest (RFC 5321 4.5.3.1.10)."""
        handed = self._round(session, sender, recipients, message)
        while left := [to for to, rejection in handed.rejected.items() if not rejection.is_final]:
            try:
                more = self._round(session, sender, left, message)
            except (DeliveryError, smtplib.SMTPException, OSError):
                break
            handed = Handed(handed.said, (*handed.taken, *more.taken), {**_final(handed.rejected), **more.rejected})
        return handed

    def _round(self, session: _Session, sender: str, recipients: Sequence[str], message: bytes) -> Handed:
        """One transaction; raises where nobody was taken."""
        self._handing_over = False
        session.expect(session.mail(sender, [f"size={len(message)}"] if session.has_extn("size") else []))
        taken, rejected = [], dict[str, Rejection]()
        for to in recipients:
            code, said = session.rcpt(to)
            if code in (250, 251, 252):
                taken.append(to)
            else:
                rejected[to] = Rejection(code, self._words(said))
        if not taken:
            raise self._nobody(rejected)
        self._handing_over = True
        try:
            code, said = session.data(message)
        except smtplib.SMTPDataError as error:
            raise self._answered(error) from None
        if code != 250:
            raise smtplib.SMTPDataError(code, said)
        return Handed(f"{code} {self._words(said)}", tuple(taken), rejected)

    def _nobody(self, rejected: Mapping[str, Rejection]) -> DeliveryError:
        """Temporary if one of them is."""
        first = next((one for one in rejected.values() if not one.is_final), next(iter(rejected.values())))
        return DeliveryError(
            f"smtp_{first.code}",
            f"accepted for nobody: {listed(rejected)}",
            failure=Failure.REFUSAL if first.is_final else Failure.TEMPORARY,
            may_have_arrived=False,
        )

    def _failure(self, error: Exception) -> DeliveryError:
        """Why a session failed."""
        if isinstance(error, HttpError):
            return DeliveryError(error.reason, error.detail, may_have_arrived=False)
        if isinstance(error, NetFailure):
            detail = error.detail.replace("under tls", "at ca")
            return DeliveryError(error.reason, detail, failure=Failure.REFUSAL, may_have_arrived=False)
        chain = [*_causes(error)]
        if self._watch.cut or any(isinstance(cause, TimeoutError) for cause in chain):
            return self._late()
        if isinstance(error, smtplib.SMTPResponseException):
            return self._answered(error)
        if found := next((cause for cause in chain if isinstance(cause, ssl.SSLError)), None):
            return self._of_tls(found)
        reset = any(isinstance(cause, ConnectionResetError | BrokenPipeError) for cause in chain)
        what = "reset" if reset else "closed"
        hint = "(wrong port, or not allowed from here?)"
        detail = f"{self._address} {what} the connection before it had taken the mail {hint}"
        return self._failed("tcp_reset" if reset else "closed", detail)

    def _late(self) -> DeliveryError:
        phase, within = self._watch.trace.phase, duration(self._timeout)
        if phase is Phase.TLS:
            return self._failed("tls_timeout", f"{self._address}: the TLS handshake was not completed within {within}")
        hint = (
            "" if self._server.encryption is Encryption.TLS else " (a port that is TLS from the start needs tls: tls)"
        )
        return self._failed("timeout", f"{self._address}: no complete answer within {within}{hint}")

    def _answered(self, error: smtplib.SMTPResponseException) -> DeliveryError:
        code, said = error.smtp_code, self._words(error.smtp_error)
        if not 200 <= code < 600:
            self._handing_over = False
            return self._failed("bad_content", f"wrong port? {self._address} answers with something that is not SMTP")
        return DeliveryError(
            f"smtp_{code}",
            f"{code} {said}",
            failure=Failure.REFUSAL if code >= 500 else Failure.TEMPORARY,
            may_have_arrived=False,
        )

    def _of_tls(self, error: ssl.SSLError) -> DeliveryError:
        if self._watch.trace.phase is not Phase.TLS:
            return self._failed("closed", f"{self._address}: the TLS connection broke before it had taken the mail")
        reason, detail = fault(error, self._address, self._server.host)
        fixes = {
            "tls_untrusted": "set ca to the PEM file of the CA that signed it, or add that CA to this machine's store",
            "tls_hostname": "write as host a name that the certificate has",
            "tls_not_offered": "set tls: starttls for a port that is not TLS from the start (587, 25)",
            "tls_expired": "ask the owner of the mail server to renew it",
        }
        fix = fixes.get(reason, "")
        return self._failed(reason, f"{fix}: {detail}" if fix else detail)

    def _failed(self, reason: str, detail: str) -> DeliveryError:
        return DeliveryError(reason, detail, may_have_arrived=self._handing_over)

    def _refused(self, reason: str, detail: str, retry_after: float | None = None) -> DeliveryError:
        refusal = Failure.REFUSAL
        return DeliveryError(reason, detail, failure=refusal, may_have_arrived=False, retry_after=retry_after)

    def _words(self, said: bytes | str) -> str:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return self._server.redaction.words(text)


class _Session(smtplib.SMTP):
    """smtplib over a watched connection, with answers of bounded length."""

    def __init__(self, server: Server, watch: Watch) -> None:
        self._watch, self._server = watch, server
        super().__init__(server.host, server.port, local_hostname=server.hello or "localhost")
        if not server.hello and self.sock is not None:
            self.local_hostname = _own_name(self.sock)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - of smtplib
        sock = self._watch.connect(host, port)
        if self._server.encryption is Encryption.TLS:
            self._watch.trace.begin(Phase.TLS)
            sock = _context(self._server).wrap_socket(sock, server_hostname=host)
        self._watch.trace.begin(Phase.OPERATION)
        return sock

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))
        return super().getreply()

    def expect(self, answer: tuple[int, bytes]) -> None:
        code, said = answer
        if not 200 <= code < 300:
            raise smtplib.SMTPResponseException(code, said)

    def goodbye(self) -> None:
        if self.sock is not None:
            self.sock.settimeout(QUIT_WITHIN)
            self.quit()


class _Answers:
    """The whole lines of a server's answers; one that is too long counts as the last line of its answer."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._read = file, 0

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self._read += len(line)
        if not line.endswith(b"\n") and len(line) < limit:
            return b""  # it broke off: half an answer is none
        if len(line) > LONGEST_LINE or self._read > LONGEST_ANSWER:
            line = line[:3] + b" " + line[4:LONGEST_LINE]
        if line[3:4] != b"-":
            self._read = 0
        return line

    def close(self) -> None:
        self._file.close()


def listed(rejected: Mapping[str, Rejection]) -> str:
    """Who was not accepted, and what was said of each."""
    return "; ".join(f"{to} ({rejection})" for to, rejection in rejected.items())


def _final(rejected: Mapping[str, Rejection]) -> dict[str, Rejection]:
    return {to: rejection for to, rejection in rejected.items() if rejection.is_final}


def _context(server: Server) -> ssl.SSLContext:
    """Verifies the server, unless TLS is only taken where it is offered: who reads along would offer none."""
    if server.encryption is not Encryption.IF_OFFERED or server.ca:
        return client_context(Tls(server.ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _own_name(sock: socket.socket) -> str:
    """This machine's full name, or the address literal that stands for it (RFC 5321 4.1.3); no name server is asked."""
    name = socket.gethostname()
    if _QUALIFIED.fullmatch(name):
        return name
    address: Any = sock.getsockname()[0]
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from: smtplib words an OSError anew."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
