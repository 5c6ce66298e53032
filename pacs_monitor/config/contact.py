"""The section `monitor` alone, whatever is wrong with the rest of the file: for those who talk to a running daemon.

The daemon goes on with the configuration that it read last; a typo that somebody makes in the file meanwhile must not
keep the on-call from asking it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import Field

from pacs_monitor.config.access import Auth
from pacs_monitor.config.listening import ServerTls
from pacs_monitor.config.load import content_of, text_of
from pacs_monitor.config.problems import ConfigError, Problem
from pacs_monitor.config.tree import Branch, Tree, parse_yaml
from pacs_monitor.config.validate import FROM_FILE, Validator
from pacs_monitor.config.values import Database, HostPort, Name, TimeZone
from pacs_monitor.fields import Settings
from pacs_monitor.language import Language

SECTION = "monitor"
_GOES_ON = ("", " ", "\t", "#", "}")
"""How a line begins that belongs to the section above it."""


class Contact(Settings):
    """Where the daemon of a file listens, by which tokens, and where its record is; as in MonitorSettings."""

    name: Name = ""
    timezone: TimeZone = "UTC"
    language: Language = "en"
    database: Database = Field("sqlite:///pacs-monitor.db", validate_default=True, repr=False)
    listen: HostPort = ("127.0.0.1", 9741)
    tls: ServerTls | None = None
    auth: Auth | None = None


def read_contact(path: Path, environ: Mapping[str, str] = os.environ) -> tuple[Contact, frozenset[str]]:
    """As much of the section as can be read, and its keys that cannot; these have their defaults.

    Raises ConfigError where the section cannot be read at all.
    """
    problems: list[Problem] = []
    section = _section(path, environ, problems)
    validator = Validator(path.absolute().parent, problems)
    readable: dict[str, Tree] = {}
    unread = set()
    for key in Contact.model_fields:
        own = section.only(frozenset({key, key + FROM_FILE}))
        bad = len(problems)
        spoilt = any(problem.path.startswith(f"{SECTION}.{name}") for problem in problems for name in own.entries)
        if not spoilt and validator.read(Contact, own, (SECTION,)) is not None and len(problems) == bad:
            readable |= own.entries
        else:
            unread.add(key)
    contact = validator.read(Contact, Branch(section.mark, readable, section.size), (SECTION,))
    if contact is None:
        raise ConfigError(problems)
    return contact, frozenset(unread)


def _section(path: Path, environ: Mapping[str, str], problems: list[Problem]) -> Branch:
    text = text_of(path, content_of(path))
    for part in (_alone(text), text):  # in other lines may be what it refers to, or the whole may be written as {…}
        problems.clear()
        with suppress(ConfigError):
            tree = parse_yaml(part, str(path), environ, problems)
            if isinstance(tree, Branch) and isinstance(section := tree.entries.get(SECTION), Branch):
                return section
    raise ConfigError([*problems, Problem(str(path), 1, "", f"the section '{SECTION}' cannot be read")])


def _alone(text: str) -> str:
    """The lines of the section, each where it stood; all others are empty."""
    kept, inside = [], False
    for line in text.splitlines():
        if line[:1] not in _GOES_ON:
            inside = line.startswith(f"{SECTION}:")
        kept.append(line if inside else "")
    return "\n".join(kept)
