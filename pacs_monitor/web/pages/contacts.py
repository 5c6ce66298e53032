"""Whom to call: whose number it is stands beside the number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pacs_monitor.messages.sentences import named
from pacs_monitor.model import Node


class Contact(NamedTuple):
    """Who supports some systems, as the configuration says (`support`)."""

    systems: str
    """Their titles."""
    who: str
    """Who answers, where that is known: a company, a team, a role."""
    phone: str
    number: str
    """For a `tel:` link; "" where there are no digits to dial."""
    more: Sequence[tuple[str, str]]
    """All else: contract, hours."""


def contacts(nodes: Iterable[Node]) -> Sequence[Contact]:
    """Each once, in the order of the nodes; those that have none are left out."""
    titles: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for node in nodes:
        if node.support:
            titles.setdefault((_who(node), tuple(node.support.items())), []).append(node.title or node.name)
    return [_contact(who, dict(support), systems) for (who, support), systems in titles.items()]


def _who(node: Node) -> str:
    return node.support.get("name") or node.labels.get("vendor", "")


def _contact(who: str, support: dict[str, str], systems: Sequence[str]) -> Contact:
    phone = support.get("phone", "")
    more = [(key, text) for key, text in support.items() if key not in ("name", "phone")]
    return Contact(named(systems), who, phone, dialled(phone), more)


def dialled(text: str) -> str:
    """The number for a `tel:` link (RFC 3966 3): digits, and a plus at its begin."""
    digits = "".join(c for c in text if c.isascii() and c.isdigit())
    return ("+" if text.strip().startswith("+") else "") + digits if len(digits) > 2 else ""
