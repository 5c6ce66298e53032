"""A page as lines, in the order in which somebody who was woken up needs them. Pure.

What is broken stands in the `summary`, which comes first; then for whom, which services are affected, since when, why
and what to do, whom to call, what still works, what else fails, what changed last, the downtime procedure, the runbook
and the link. What a page does not say has no line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.channels.shared.rendering import said
from pacs_monitor.format import human
from pacs_monitor.language import N_, _
from pacs_monitor.model import SECOND

NAMED = 100
"""Members of a list that are named."""
_TITLES = {
    "impact": N_("For whom"),
    "services": N_("Services affected"),
    "since": N_("Since"),
    "why": N_("Why"),
    "points_to": N_("Points to"),
    "next_step": N_("Do first"),
    "support": N_("Call"),
    "still_ok": N_("Still works"),
    "also_failing": N_("Also failing"),
    "nodes": N_("Nodes"),
    "missed": N_("Missed"),
    "open": N_("Still open"),
    "failing": N_("Still fails"),
    "last_changes": N_("Recent changes"),
    "downtime_procedure": N_("Downtime procedure"),
    "acknowledged": N_("Acknowledged"),
    "public_note": N_("Users were told"),
    "runbook": N_("Runbook"),
    "url": N_("Incident"),
}
_WHILE_OPEN = {
    "impact",
    "services",
    "why",
    "points_to",
    "next_step",
    "last_changes",
    "support",
    "downtime_procedure",
    "runbook",
}
"""What nobody needs once it is over."""
_SUPPORT = {
    "phone": N_("phone"),
    "contract": N_("contract"),
    "hours": N_("hours"),
    "email": N_("email"),
}
_CHANGES = {
    "version": N_("software version"),
    "certificate": N_("certificate"),
    "services": N_("accepted services"),
    "configuration": N_("configuration of the monitor"),
    "maintenance": N_("maintenance ended"),
}


class Line(NamedTuple):
    """One thing that a page says beside its summary."""

    key: str
    """In the data of the page."""
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.title}: {self.text}"


def lines(data: Mapping[str, Any]) -> list[Line]:
    """All of them, in order."""
    over = _is_over(data)
    keys = (key for key in _TITLES if not (over and key in _WHILE_OPEN))
    told = ((key, _TITLES[key], _text(data, key)) for key in keys)
    return [Line(key, _(title), text) for key, title, text in told if text]


def plain_text(data: Mapping[str, Any]) -> str:
    """The page whole: its summary, after the severity where that is critical, and a line for each of the rest."""
    if text := said(data, "text"):
        return text
    is_critical = said(data, "severity") == "critical" and not _is_over(data) and data.get("test") is not True
    first = f"{_('CRITICAL')} " if is_critical else ""
    return "\n".join([first + said(data, "summary"), *map(str, lines(data))])


def _is_over(data: Mapping[str, Any]) -> bool:
    return bool(data.get("ended") or data.get("resolved"))


def local(value: object, data: Mapping[str, Any]) -> str:
    """`2026-11-24T08:01:30.000000Z` by the clocks of the page's time zone; what is no such time stays as it is."""
    text = str(value or "")
    try:
        at = datetime.fromisoformat(text)
        return human.moment(round(at.timestamp()) * SECOND, ZoneInfo(said(data, "timezone") or "UTC"))
    except (ValueError, OverflowError, LookupError, TypeError):
        return text


def _text(data: Mapping[str, Any], key: str) -> str:
    if key in _WRITTEN:
        return _WRITTEN[key](data)
    value = data.get(key)
    return _list(value) if isinstance(value, list | tuple) else said(data, key)


def _why(data: Mapping[str, Any]) -> str:
    """The reason, and what exactly was found; of a channel that fails, the summary has said it."""
    if data.get("kind") == "delivery":
        return ""
    words = said(data, "why") or said(data, "reason").replace("_", " ")
    return ": ".join(filter(None, (words, said(data, "detail"))))


def _runbook(data: Mapping[str, Any]) -> str:
    """Where there is no link: what to look for on paper."""
    link, reason = said(data, "runbook"), said(data, "reason")
    if link or not reason:
        return link
    return _("entry {reason} of the operations manual", reason=reason)


def _support(data: Mapping[str, Any]) -> str:
    """Who answers, as the pages name them, then how to reach them."""
    support = data.get("support") or {}
    if not support:
        return ""
    who = str(support.get("name") or (data.get("labels") or {}).get("vendor") or "")
    known = {str(name): one for name, one in support.items() if one and name != "name"}
    return ", ".join(filter(None, (who, *(f"{_(_SUPPORT.get(name, name))}: {one}" for name, one in known.items()))))


def _services(data: Mapping[str, Any]) -> str:
    return "; ".join(map(_name, (data.get("services") or ())[:NAMED]))


def _acknowledged(data: Mapping[str, Any]) -> str:
    value = data.get("acknowledged")
    if not value:
        return ""
    by, why, ticket = (str(value.get(key) or "") for key in ("by", "why", "ticket"))
    until = local(value.get("until"), data)
    if _is_over(data) and by:
        who = _("by {by}", by=by)
    else:
        who = _("by {by} until {until}", by=by, until=until) if by else _("until {until}", until=until)
    return ", ".join(filter(None, (who, why, _("ticket {ticket}", ticket=ticket) if ticket else "")))


def _last_changes(data: Mapping[str, Any]) -> str:
    return "; ".join(str(one.get("text") or _change(one, data)) for one in data.get("last_changes") or ())


def _change(one: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    what = str(one.get("what"))
    return _("{what} ({at})", what=_(_CHANGES.get(what, what)), at=local(one.get("at"), data))


def _list(value: Sequence[Any]) -> str:
    named = ", ".join(map(_name, value[:NAMED]))
    more = len(value) - NAMED
    return _("{named} and {more} more", named=named, more=more) if more > 0 else named


def _name(one: object) -> str:
    return str(one.get("summary") or one.get("incident")) if isinstance(one, Mapping) else str(one)


_WRITTEN: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "since": lambda data: local(data.get("since"), data),
    "why": _why,
    "runbook": _runbook,
    "services": _services,
    "support": _support,
    "acknowledged": _acknowledged,
    "last_changes": _last_changes,
}
