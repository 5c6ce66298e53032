"""Our own servers as settings: their TLS, and the listeners for DICOM and HL7."""

from __future__ import annotations

import ssl
from typing import Annotated, Self

from pydantic import Field, model_validator

from pacs_monitor.config.values import HostPort, Networks
from pacs_monitor.fields import AETitle, ExistingFile, Settings


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
