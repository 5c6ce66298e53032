"""Where the running daemon is, and by which token it is asked: by `--url`, or by the file, also when it has errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pacs_monitor.cli.common import fail
from pacs_monitor.model import Address

if TYPE_CHECKING:
    from pacs_monitor.config import Contact, Estate, MonitorSettings

UNSPECIFIED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


class DaemonAddress(NamedTuple):
    """How a daemon is asked."""

    url: str
    token: str | None
    verify: str | bool
    """A certificate to trust, or whether that of the system's authorities is asked for."""
    zone: str
    """In which times are shown."""


def daemon_address(config: Path, url: str | None, token_file: Path | None, *, quietly: bool = False) -> DaemonAddress:
    """By `--url`, or by the file; errors of the file are shown, unless (`quietly`) the daemon will say them."""
    if url:
        return address_of(None, url, token_file)
    from pacs_monitor.cli.estates import estate_or_contact  # noqa: PLC0415 - with --url, no configuration is read

    return address_of(estate_or_contact(config, quietly=quietly), url, token_file)


def address_of(known: Estate | Contact | None, url: str | None, token_file: Path | None) -> DaemonAddress:
    """By `--url` alone, or by what is known from the file."""
    token = _token(token_file)
    if url or known is None:
        if not url or not url.startswith(("http://", "https://")):
            fail(f"{url!r} is not the address of a daemon; write http://127.0.0.1:9741", 2)
        return DaemonAddress(url.rstrip("/"), token, os.environ.get("SSL_CERT_FILE") or True, "UTC")
    monitor: MonitorSettings | Contact = known.monitor if hasattr(known, "monitor") else known
    host, port = monitor.listen
    scheme, verify = ("https", str(monitor.tls.cert)) if monitor.tls else ("http", True)
    base = f"{scheme}://{Address(UNSPECIFIED.get(host, host), port)}"
    return DaemonAddress(base, token or _operators(monitor), verify, monitor.timezone)


def _token(file: Path | None) -> str | None:
    if token := os.environ.get("PACS_MONITOR_TOKEN"):
        return token
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip() or fail(f"{file} contains no token")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: {getattr(error, 'strerror', None) or 'is not a text in UTF-8'}")


def _operators(monitor: MonitorSettings | Contact) -> str | None:
    tokens = monitor.auth.tokens if monitor.auth else ()
    return next((token.token.get_secret_value() for token in tokens if token.role == "operator"), None)
