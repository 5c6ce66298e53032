"""Where the running daemon is, and by which token it is asked: by `--url`, or by the file, also when it has errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from pacs_monitor.cli.common import err, fail
from pacs_monitor.config import ConfigError, Contact, Estate, MonitorSettings, load, read_contact
from pacs_monitor.format.human import plain, pluralized
from pacs_monitor.model import Address

Url = Annotated[
    str | None,
    typer.Option("--url", envvar="PACS_MONITOR_URL", help="The running daemon, instead of what the file says."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="PACS_MONITOR_TOKEN_FILE",
        help="Holds the token; or $PACS_MONITOR_TOKEN. Without either, the file's first token for operators.",
    ),
]
UNSPECIFIED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
ADDRESS = ("listen", "tls")
"""Keys of `monitor` without which a daemon cannot be asked."""
MOST_SHOWN = 3
"""Errors of the file that are shown when the daemon is asked all the same."""


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
    return address_of(None if url else estate_or_contact(config, quietly=quietly), url, token_file)


def address_of(known: Estate | Contact | None, url: str | None, token_file: Path | None) -> DaemonAddress:
    """By `--url` alone, or by what is known from the file."""
    token = _token(token_file)
    if url or known is None:
        if not url or not url.startswith(("http://", "https://")):
            fail(f"{url!r} is not the address of a daemon; write http://127.0.0.1:9741", 2)
        return DaemonAddress(url.rstrip("/"), token, os.environ.get("SSL_CERT_FILE") or True, "UTC")
    monitor: MonitorSettings | Contact = known.monitor if isinstance(known, Estate) else known
    host, port = monitor.listen
    scheme, verify = ("https", str(monitor.tls.cert)) if monitor.tls else ("http", True)
    base = f"{scheme}://{Address(UNSPECIFIED.get(host, host), port)}"
    return DaemonAddress(base, token or _operators(monitor), verify, monitor.timezone)


def estate_or_contact(config: Path, needed: tuple[str, ...] = ADDRESS, *, quietly: bool = False) -> Estate | Contact:
    """The estate; while the file has errors, what its section `monitor` says, with a warning.

    Ends the command where the address (or another key that is `needed`) cannot be read.
    """
    if not config.exists():
        elsewhere = "\nfor a daemon that runs elsewhere, use --url" if needed == ADDRESS else ""
        fail(
            f"name another file with --config, or create it with: pacs-monitor init {config} ({config} does not "
            f"exist){elsewhere}"
        )
    try:
        return load(config)
    except ConfigError as error:
        contact = _in_spite_of(error, config, needed)
        if not quietly:
            _warn_of(error, MOST_SHOWN)
            err.print(
                f"{config} has errors; of it, only its section monitor is used here", style="yellow", markup=False
            )
        return contact


def _in_spite_of(error: ConfigError, config: Path, needed: tuple[str, ...]) -> Contact:
    try:
        contact, unread = read_contact(config)
    except ConfigError:
        unread = frozenset(needed)
    missing = [key for key in needed if key in unread]
    if missing:
        _warn_of(error)
        where = ", ".join(f"monitor.{key}" for key in missing)
        instead = ", or name the daemon: --url http://127.0.0.1:9741" if needed == ADDRESS else ""
        fail(f"correct {where} in the file{instead}: it cannot be read")
    return contact


def _warn_of(error: ConfigError, most: int | None = None) -> None:
    for problem in error.problems[:most]:
        err.print(plain(str(problem)), markup=False)
    if more := len(error.problems[most:]) if most else 0:
        err.print(f"and {pluralized(more, 'more error')}")


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
