"""A real SMTP server on a loopback port (aiosmtpd): with and without TLS and login; it keeps what it was given."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.peers.ports import free_port
from tests.peers.threaded import threaded

Says = Callable[[str], str]
"""The answer to one recipient, or to the message."""


@dataclass
class Mailbox:
    """What a server has taken, and who was asked for."""

    host: str
    port: int
    envelopes: list[Envelope] = field(default_factory=list)
    hellos: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        return [parsed(envelope) for envelope in self.envelopes]

    def recipients(self) -> list[list[str]]:
        return [list(envelope.rcpt_tos) for envelope in self.envelopes]


def parsed(envelope: Envelope) -> EmailMessage:
    return message_from_bytes(cast("bytes", envelope.content), policy=WIRE)


class _Handler:
    def __init__(self, mailbox: Mailbox, of_recipient: Callable[[Session, str], str], of_message: Says) -> None:
        self._mailbox, self._of_recipient, self._of_message = mailbox, of_recipient, of_message

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self._mailbox.hellos.append(hostname)
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._of_recipient(session, address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self._of_message(str(envelope.mail_from))
        if answer.startswith("250"):
            self._mailbox.envelopes.append(envelope)
            self._mailbox.encrypted.append(session.ssl is not None)
        return answer


@contextmanager
def mail_server(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
    of_recipient: Says = lambda _: "250 2.1.5 Ok",
    of_message: Says = lambda _: "250 2.0.0 Ok: queued as 4711",
    host: str = "127.0.0.1",
) -> Iterator[Mailbox]:
    """With `login`, it takes mail from nobody else, and offers it over TLS alone where it has TLS."""
    mailbox = Mailbox(host, free_port())

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        mailbox.logins.append((data.login, data.password))
        right = login is not None and (data.login, data.password) == tuple(one.encode() for one in login)
        return AuthResult(success=right, handled=False)

    def allowed(session: Session, address: str) -> str:
        return of_recipient(address) if login is None or session.authenticated else "530 5.7.0 Authentication required"

    wanted: dict[str, Any] = (
        {} if login is None else {"authenticator": authenticate, "auth_require_tls": starttls is not None}
    )
    controller = Controller(
        _Handler(mailbox, allowed, of_message),
        hostname=host,
        port=mailbox.port,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=False,
        **wanted,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


Answer = bytes | Callable[[socket.socket], None]
STAGES = ("banner", "EHLO", "MAIL", "RCPT", "DATA", "message")
"""What a scripted server is asked for, one after the other."""
_GOOD: dict[str, Answer] = {
    "banner": b"220 relay ESMTP\r\n",
    "EHLO": b"250-relay\r\n250 SIZE 1000000\r\n",
    "MAIL": b"250 Ok\r\n",
    "RCPT": b"250 Ok\r\n",
    "DATA": b"354 go on\r\n",
    "message": b"250 Ok: queued\r\n",
    "AUTH": b"235 Ok\r\n",
    "RSET": b"250 Ok\r\n",
    "STARTTLS": b"220 go on\r\n",
    "QUIT": b"221 Bye\r\n",
}


def hangs(connection: socket.socket) -> None:
    """Nothing, for ever."""
    while connection.recv(65536):
        pass


def resets(connection: socket.socket) -> None:
    """A reset in the middle of an answer."""
    connection.sendall(b"250-rel")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raise ConnectionResetError


def trickles(connection: socket.socket) -> None:
    """A byte now and then, so that no single wait is long."""
    while True:
        connection.sendall(b"2")
        time.sleep(0.1)


@dataclass
class Script:
    """A server that says what it is told to say; `lines` are those that it heard."""

    port: int
    lines: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)


def _until(end: bytes, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines to this one, or to where the client has gone (then an empty one)."""
    for line in lines:
        yield line
        if line == end:
            return
    yield b""


@contextmanager
def scripted_server(**says: Answer) -> Iterator[Script]:
    """Answers each command as its name says (`banner`, `EHLO`, …, `message` at the end of one), else as all do."""
    answers = _GOOD | says
    lines: list[str] = []
    messages: list[bytes] = []

    def answer(connection: socket.socket, stage: str) -> None:
        said = answers.get(stage, b"502 what?\r\n")
        if isinstance(said, bytes):
            connection.sendall(said)
        else:
            said(connection)

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as file:
            answer(connection, "banner")
            for line in file:
                lines.append(line.decode("latin-1").strip())
                stage = lines[-1][:8].split(" ")[0].upper()
                answer(connection, stage)
                if stage == "DATA":
                    *body, end = _until(b".\r\n", file)
                    if end != b".\r\n":
                        break
                    messages.append(b"".join(body))
                    answer(connection, "message")

    with threaded(talk) as port:
        yield Script(port, lines, messages)
