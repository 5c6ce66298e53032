"""The notifications of an incident as lines for a terminal: sent, pending, in shadow mode, or not sent and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.markup import escape

Row = Mapping[str, Any]
When = Callable[[str], str]
"""Writes a time of the API (RFC 3339) for people."""
SENT = {
    "delivered": "paged by {channel} at {at}",
    "pending": "page to {channel} is not delivered yet, since {at}",
    "shadow": "not paged: shadow mode; {channel} would have paged at {at}",
    "refused": "not paged: {channel} cannot send this page",
}
"""What is said of the page to one channel, by its status."""
SECTIONS = {
    "notified": ("delivered",),
    "not delivered yet": ("pending",),
    "would have been notified, but for shadow mode": ("shadow",),
    "not notified": ("refused", "given_up", "dropped"),
}
"""The title of each section, and the statuses of the notifications in it."""


def line(incident: Row, when: When, now: str) -> str:
    """An open incident: `critical incident 01JD…: paged by hook at 16:01:00 CET`. `now` is RFC 3339, in UTC."""
    said = [SENT[sent["status"]].format(channel=sent["channel"], at=when(sent["at"])) for sent in incident["notified"]]
    if not said and incident["page_due"] > now:
        said = [f"no page is sent before {when(incident['page_due'])} (page_after)"]
    if not said:
        said = [f"no page was sent: {', '.join(incident['not_notified']) or 'not decided yet'}"]
    return f"{incident['severity']} incident {incident['id']}: {'; '.join(said)}"


def sections(notifications: Iterable[Row], suppressed: Iterable[Row], when: When) -> list[str]:
    """Every notification of an incident by what became of it, then those that were suppressed and why."""
    rows, lines = list(notifications), list[str]()
    held = [_suppressed(row, when) for row in suppressed]
    for title, statuses in SECTIONS.items():
        found = [_sent(row, when) for row in rows if row["status"] in statuses]
        if title == "not notified":
            found += held
        lines += [f"[bold]{title}[/bold]", *found] if found else []
    return lines


def _sent(row: Row, when: When) -> str:
    tries = f" after {row['attempts']} attempts" if row["attempts"] > 1 else ""
    stuck = ", refused while others are accepted, retried hourly" if row.get("stuck") else ""
    head = f"  {when(row['created'])}  {row['event']}  {row['channel']}: {row['status']}{tries}{stuck}"
    return escape(f"{head}\n    {row['summary']}")


def _suppressed(row: Row, when: When) -> str:
    return escape(f"  {when(row['at'])}  {row['event']}  {row['channel'] or 'anybody'}: {row['why']}")
