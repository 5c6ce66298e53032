"""The address and token of the running daemon: from `--url`, or from the configuration, even if that has errors."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.cli.common import fail
from pacs_monitor.model import Address

if TYPE_CHECKING:
    from pacs_monitor.config import Contact, Estate, MonitorSettings

UNSPECIFIED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


class DaemonAddress(NamedTuple):
    """How to reach a daemon."""

    url: str
    token: str | None
    ca: str | None
    """The file of the certificate to trust; None for the system's authorities."""
    zone: str | None
    """The IANA time zone of the configuration; None with `--url`: the daemon knows its own (client.times)."""


def daemon_address(config: Path, url: str | None, token_file: Path | None, *, quietly: bool = False) -> DaemonAddress:
    """From `--url`, or from the configuration; prints its errors, unless the daemon will report them (`quietly`)."""
    if url:
        return address_of(None, url, token_file)
    from pacs_monitor.cli.estates import estate_or_contact  # noqa: PLC0415 - with --url, no configuration is read

    return address_of(estate_or_contact(config, quietly=quietly), url, token_file)


def address_of(known: Estate | Contact | None, url: str | None, token_file: Path | None) -> DaemonAddress:
    """From `--url` alone, or from what the configuration says; ends the command if a URL is no address."""
    token = _token(token_file)
    if url or known is None:
        if not url or not url.startswith(("http://", "https://")):
            fail(f"{url!r} is not the address of a daemon; write http://127.0.0.1:9741", 2)
        zone = None if known is None else _monitor(known).timezone
        return DaemonAddress(url.rstrip("/"), token, os.environ.get("SSL_CERT_FILE") or None, zone)
    monitor = _monitor(known)
    host, port = monitor.listen
    scheme, ca = ("https", str(monitor.tls.cert)) if monitor.tls else ("http", None)
    base = f"{scheme}://{Address(UNSPECIFIED.get(host, host), port)}"
    return DaemonAddress(base, token or _operators(monitor), ca, monitor.timezone)


def _monitor(known: Estate | Contact) -> MonitorSettings | Contact:
    return known.monitor if hasattr(known, "monitor") else known


def _token(file: Path | None) -> str | None:
    if token := os.environ.get("PACS_MONITOR_TOKEN"):
        return token
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip() or fail(f"{file} contains no token")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: {getattr(error, 'strerror', None) or 'is not UTF-8 text'}")


def _operators(monitor: MonitorSettings | Contact) -> str | None:
    tokens = monitor.auth.tokens if monitor.auth else ()
    today = datetime.now(ZoneInfo(monitor.timezone)).date()
    usable = (token for token in tokens if token.role == "operator" and not token.has_expired(today))
    return next((token.token.get_secret_value() for token in usable), None)
