"""Whether a page went out for an open incident, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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


def reason(why: str, detail: str) -> str:
    """Why something was suppressed: `acknowledged by Jo`, `calendar office`."""
    if why == "no_channel":
        return "no route has a channel for it"
    return f"{'acknowledged by' if why == 'acknowledgement' and detail else why} {detail}".rstrip()


def _spelled(both: str) -> str:
    why, _, detail = both.partition(" ")
    return reason(why, detail)


def _named(sent: Row) -> str:
    instead_of = sent.get("fallback_for")
    return f"{sent['channel']} (because {instead_of} does not answer)" if instead_of else str(sent["channel"])


def line(incident: Row, when: When, now: str) -> str:
    """An open incident: `critical incident 01JD…: paged by hook at 16:01:00 CET`. `now` is RFC 3339, in UTC."""
    flags = "".join(f" ({flag})" for flag in incident.get("flags", ()))
    return f"{incident['severity']} incident {incident['id']}{flags}: {told(incident, when, now)}"


def told(incident: Row, when: When, now: str) -> str:
    """Who was paged about it, or why nobody was: `paged by hook at 16:01:00 CET`."""
    said = [SENT[sent["status"]].format(channel=_named(sent), at=when(sent["at"])) for sent in incident["notified"]]
    if said:
        held = incident.get("suppressed", ())
        said += [f"to {row['channel']} suppressed: {reason(row['why'], row['detail'])}" for row in held]
    if not said and incident["page_due"] > now:
        said = [f"no page is sent before {when(incident['page_due'])} (page_after)"]
    if not said:
        said = [f"no page was sent: {', '.join(map(_spelled, incident['not_notified'])) or 'not decided yet'}"]
    return "; ".join(said)
