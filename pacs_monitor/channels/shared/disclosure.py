"""What of a page leaves the house.

`full`: all of it. `minimal`: names of nodes, sites and checks, states, times, the reason, the impact, the next step,
the phone of the support and the links; nothing that a probe or a person said: no addresses, AE titles, contract
numbers, labels, notes and names of people. The sentence is written anew from these. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

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
    *("severity", "state", "reason", "blame", "phase", "last_good", "since", "noticed", "resolved", "page", "worse"),
    *("members", "problems", "nodes", "incidents", "linked", "also_failing", "still_ok", "impact", "next_step"),
    *("runbook", "url", "unrecorded", "unproven", "channel", "timezone"),
)
_MISSED = ("incident", "dedup_key", "severity", "since", "ended")
_WINDOW = ("id", "start", "end", "probing")
_HOW = {
    Event.MAINTENANCE_BEGUN: "maintenance has begun",
    Event.MAINTENANCE_ENDING: "maintenance ends soon, and something still fails",
    Event.MAINTENANCE_ENDED: "maintenance has ended",
    Event.RESOLVED: "has recovered",
    Event.WITHDRAWN: "is no longer monitored",
    Event.CLOSED: "incident closed by hand",
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
    if "missed" in data:
        kept["missed"] = [{key: one.get(key) for key in _MISSED} for one in data["missed"]]
    return {**kept, "summary": _summary(notification)}


def _summary(notification: Notification) -> str:
    """One sentence of names, states and times alone."""
    data, event = notification.data, notification.event
    since = moment(data.get("since"))
    if data.get("kind") == "handover":
        return _handover(data)
    if event is Event.DIGEST:
        count = len(data.get("missed", ()))
        return f"While channel {data.get('channel')} delivered nothing, incidents began and ended: {count}"
    what = str(data.get("title") or data.get("monitor") or "")
    if nodes := data.get("nodes"):
        what += f" ({len(nodes)} nodes)"
    elif data.get("check") and data.get("check") != what:
        what += f", {data['check']}"
    how = _HOW.get(event) or f"{'now ' if event is Event.CHANGED else ''}{data.get('state')}"
    reason = f" ({str(data['reason']).replace('_', ' ')})" if data.get("reason") and event not in _HOW else ""
    acknowledged = ", acknowledged" if event is Event.ACKNOWLEDGED else ""
    past = f", {'open ' if event in _HOW else ''}since {since}" if since else ""
    return f"{what}: {how}{reason}{acknowledged}{past}"


def _handover(data: Mapping[str, Any]) -> str:
    """How much there is to hand over."""
    parts = data.get("handover", {})
    counts = {key: len(parts.get(key) or ()) for key in ("open", "acknowledged", "overdue_updates", "undelivered")}
    return (
        f"Handover of {data.get('monitor')}: {counts['open']} incidents not acknowledged, "
        f"{counts['acknowledged']} being handled, {counts['overdue_updates']} updates to users overdue, "
        f"{counts['undelivered']} channels with undelivered pages; the rest: pacs-monitor handover"
    )


def moment(value: object) -> str:
    """`2026-11-24T08:01:30.000000Z` as `2026-11-24 08:01 UTC`; what is no such time stays as it is."""
    text = str(value or "")
    return f"{text[:10]} {text[11:16]} UTC" if text[10:11] == "T" and text.endswith("Z") else text
