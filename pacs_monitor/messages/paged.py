"""Whether a page went out for an open incident, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pacs_monitor.language import N_, _

Row = Mapping[str, Any]
When = Callable[[str], str]
"""Writes a time of the API (RFC 3339) for people."""
SENT = {
    "delivered": N_("paged by {channel} at {at}"),
    "pending": N_("page to {channel} is not delivered yet, since {at}"),
    "shadow": N_("not paged: shadow mode; {channel} would have paged at {at}"),
    "refused": N_("not paged: {channel} cannot send this page"),
}
"""What is said of the page to one channel, by its status."""
WHY = (
    N_("acknowledgement"),
    N_("calendar"),
    N_("dependency"),
    N_("group"),
    N_("maintenance"),
    N_("paging"),
    N_("reply"),
    N_("storm"),
    N_("page_after"),
    N_("channel_removed"),
)
"""Names of what suppresses."""


def reason(why: str, detail: str) -> str:
    """Why something was suppressed: `acknowledged by Jo`, `calendar office`."""
    if why == "no_channel":
        return _("no route has a channel for it")
    if why == "acknowledgement" and detail:
        return _("acknowledged by {by}", by=detail)
    return f"{_(why)} {detail}".rstrip()


def _spelled(both: str) -> str:
    why, _space, detail = both.partition(" ")
    return reason(why, detail)


def _named(sent: Row) -> str:
    instead_of = sent.get("fallback_for")
    if not instead_of:
        return str(sent["channel"])
    return _("{channel} (because {other} does not answer)", channel=sent["channel"], other=instead_of)


def line(incident: Row, when: When, now: str) -> str:
    """An open incident: `critical incident 01JD…: paged by hook at 16:01:00 CET`. `now` is RFC 3339, in UTC."""
    flags = "".join(f" ({flag})" for flag in incident.get("flags", ()))
    return f"{incident['severity']} incident {incident['id']}{flags}: {told(incident, when, now)}"


def told(incident: Row, when: When, now: str) -> str:
    """Who was paged about it, or why nobody was: `paged by hook at 16:01:00 CET`."""
    said = [_(SENT[sent["status"]], channel=_named(sent), at=when(sent["at"])) for sent in incident["notified"]]
    if said:
        for row in incident.get("suppressed", ()):
            why = reason(row["why"], row["detail"])
            said.append(_("to {channel} suppressed: {why}", channel=row["channel"], why=why))
    if not said and incident["page_due"] > now:
        said = [_("no page is sent before {at} (page_after)", at=when(incident["page_due"]))]
    if not said:
        whys = ", ".join(map(_spelled, incident["not_notified"]))
        said = [_("no page was sent: {why}", why=whys) if whys else _("page: being decided")]
    return "; ".join(said)
