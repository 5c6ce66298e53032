"""Whose record a command reads, and where it is; a file that is in force need not be read whole for that."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from pacs_monitor.cli.estates import estate_or_contact
from pacs_monitor.config import ConfigError, Contact, Estate, MonitorSettings, read_contact
from pacs_monitor.history import HistoryError, HistoryReader


def whose_record(config: Path, needed: tuple[str, ...]) -> MonitorSettings | Contact:
    """The section `monitor`; warns of errors in the rest of the file, unless it is in force.

    It had none when it came into force, and to read a large estate again takes seconds.
    """
    if contact := _in_force(config):
        return contact
    known = estate_or_contact(config, needed)
    return known.monitor if isinstance(known, Estate) else known


def _in_force(config: Path) -> Contact | None:
    """Of a file that is the last revision on record, by its hash; that of rotas or a logo is not of its text alone."""
    try:
        contact, unread = read_contact(config)
        reader = HistoryReader.open(contact.database, contact.name)
        try:
            revision = reader.revision()
        finally:
            reader.close()
        known = revision is not None and revision.hash == sha256(config.read_bytes()).hexdigest()
    except (ConfigError, HistoryError, OSError):
        return None
    return contact if known and not unread else None
