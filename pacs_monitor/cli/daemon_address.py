"""The address and token of the running daemon: from `--url`, or from the configuration, even if that has errors."""

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
    typer.Option(
        "--url", envvar="PACS_MONITOR_URL", help="The running daemon's address, instead of the configured one."
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="PACS_MONITOR_TOKEN_FILE",
        help="File with the token; or set $PACS_MONITOR_TOKEN. Default: the first configured token for operators.",
    ),
]
UNSPECIFIED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
ADDRESS = ("listen", "tls")
"""Keys of `monitor` that are needed to reach a daemon."""
MOST_SHOWN = 3
"""How many errors of the configuration are shown when the daemon can be reached despite them."""


class DaemonAddress(NamedTuple):
    """How to reach a daemon."""

    url: str
    token: str | None
    verify: str | bool
    """The file of the certificate to trust; True for the system's authorities."""
    zone: str
    """The IANA time zone in which times are shown."""


def daemon_address(config: Path, url: str | None, token_file: Path | None, *, quietly: bool = False) -> DaemonAddress:
    """From `--url`, or from the configuration; prints its errors, unless the daemon will report them (`quietly`)."""
    return address_of(None if url else estate_or_contact(config, quietly=quietly), url, token_file)


def address_of(known: Estate | Contact | None, url: str | None, token_file: Path | None) -> DaemonAddress:
    """From `--url` alone, or from what the configuration says; ends the command if a URL is no address."""
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
    """The estate; if the configuration has errors, its section `monitor` alone, with a warning.

    Ends the command if the address (or another key of `monitor` in `needed`) cannot be read.
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
            err.print(f"{config} has errors: only its section monitor is used here", style="yellow", markup=False)
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
        fail(f"{file}: {getattr(error, 'strerror', None) or 'is not UTF-8 text'}")


def _operators(monitor: MonitorSettings | Contact) -> str | None:
    tokens = monitor.auth.tokens if monitor.auth else ()
    return next((token.token.get_secret_value() for token in tokens if token.role == "operator"), None)
