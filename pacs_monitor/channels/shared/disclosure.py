"""What of a page leaves the house.

`full`: all of it. `minimal`: names of nodes, sites and checks, states, times, the reason, the impact, the downtime
procedure, the next step, what sort of thing changed last, the phone of the support and the links; nothing that a probe
or a person said: no addresses, AE titles, contract numbers, labels, notes and names of people. The
sentence is written anew from these. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pacs_monitor.channels.shared.lines import local
from pacs_monitor.format.asides import with_asides
from pacs_monitor.language import N_, _, _n
from pacs_monitor.model import Event, Notification

Disclose = Annotated[
    Literal["full", "minimal"],
    Field(
        description="What of a page is sent: all of it, or (minimal) neither addresses, AE titles, details, contract "
        "numbers, labels, notes nor names of people."
    ),
]
_SAFE = (
    *("schema", "monitor", "kind", "incident", "group", "dedup_key", "node", "title", "site", "role", "check", "probe"),
    *(
        "severity",
        "state",
        "reason",
        "blame",
        "phase",
        "last_good",
        "since",
        "noticed",
        "resolved",
        "ended",
        "page",
        "worse",
    ),
    *("members", "problems", "nodes", "incidents", "linked", "also_failing", "still_ok", "impact", "services"),
    *(
        "next_step",
        "why",
        "points_to",
        "downtime_procedure",
        "runbook",
        "url",
        "unrecorded",
        "unproven",
        "channel",
        "language",
        "timezone",
        "fallback_for",
        "acknowledgement_kept_in",
    ),
)
_MISSED = ("incident", "dedup_key", "severity", "since", "ended")
_CHANGE = ("at", "what", "check")
_WINDOW = ("id", "start", "end", "probing")
_OVER = {
    Event.MAINTENANCE_BEGUN: N_("{what}: maintenance has begun"),
    Event.MAINTENANCE_ENDING: N_("{what}: maintenance ends soon, and something still fails"),
    Event.MAINTENANCE_ENDED: N_("{what}: maintenance has ended"),
    Event.RESOLVED: N_("{what}: has recovered, open since {since}"),
    Event.WITHDRAWN: N_("{what}: is no longer monitored, open since {since}"),
    Event.CLOSED: N_("{what}: incident closed by hand, open since {since}"),
}
_GOES_ON = {
    Event.CHANGED: N_("{what}: now {how}, since {since}"),
    Event.ACKNOWLEDGED: N_("{what}: {how}, acknowledged, since {since}"),
}
_PLAIN = N_("{what}: {how}, since {since}")
_STATES = {
    "up": N_("up"),
    "degraded": N_("degraded"),
    "down": N_("down"),
    "unknown": N_("unknown"),
    "absent": N_("absent"),
}


def disclosed(notification: Notification, disclose: Disclose) -> Mapping[str, Any]:
    """The data of a notification, as far as it may leave the house."""
    data = notification.data
    if disclose == "full" or notification.event is Event.TEST or data.get("test") is True:
        return data  # a test tells of no node, and its texts must go on saying that it is one
    kept = {key: data[key] for key in _SAFE if key in data}
    support = data.get("support") or {}
    kept["support"] = {"phone": support["phone"]} if "phone" in support else {}
    if (said := data.get("acknowledged")) is not None:
        kept["acknowledged"] = {"until": said.get("until")}
    if "window" in data:
        kept["window"] = {key: data["window"].get(key) for key in _WINDOW}
    if "last_changes" in data:
        kept["last_changes"] = [{key: one.get(key) for key in _CHANGE} for one in data["last_changes"]]
    if "missed" in data:
        kept["missed"] = [{key: one.get(key) for key in _MISSED} for one in data["missed"]]
    return {**kept, "summary": with_asides(_summary(notification), notification.event, data)}


def _summary(notification: Notification) -> str:
    """One sentence of names, states and times alone."""
    data, event = notification.data, notification.event
    if data.get("kind") == "handover":
        return _handover(data)
    if data.get("kind") == "report":
        return _("A report of {monitor} is made: see its folder", monitor=data.get("monitor"))
    if event is Event.DIGEST:
        count, channel = len(data.get("missed", ())), data.get("channel")
        return _(
            "While channel {channel} delivered nothing, incidents began and ended: {count}",
            channel=channel,
            count=count,
        )
    what, since = _what(data), local(data.get("since"), data)
    if event in _OVER:
        return _(_OVER[event], what=what, since=since)
    reason = data.get("why") or str(data.get("reason") or "").replace("_", " ")
    state = _(_STATES.get(str(data.get("state")), str(data.get("state"))))
    how = f"{state} ({reason})" if reason else state
    return _(_GOES_ON.get(event, _PLAIN), what=what, how=how, since=since)


def _what(data: Mapping[str, Any]) -> str:
    """What it is about: how many nodes of a site, or which check of a node."""
    what = str(data.get("title") or data.get("monitor") or "")
    if nodes := data.get("nodes"):
        return _n("{what} ({count} node)", "{what} ({count} nodes)", len(nodes), what=what)
    return f"{what}, {data['check']}" if data.get("check") and data.get("check") != what else what


def _handover(data: Mapping[str, Any]) -> str:
    """How much there is to hand over."""
    parts = data.get("handover", {})
    counts = {key: len(parts.get(key) or ()) for key in ("open", "acknowledged", "overdue_updates", "undelivered")}
    return _(
        "Handover of {monitor}: {open} incidents not acknowledged, {acknowledged} being handled, {overdue_updates} "
        "updates to users overdue, {undelivered} channels with undelivered pages; the rest: pacs-monitor handover",
        monitor=data.get("monitor"),
        **counts,
    )
