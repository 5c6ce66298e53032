"""What receivers that escalate by themselves (PagerDuty, Jira Service Management) have in common. Pure.

They append a repeated key without ringing. So each page of an incident has a key of its own, `<dedup_key>/<page>`: one
that pages anew triggers the next key, then ends those before it. Whichever notification was lost on the way, an end
ends them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from pacs_monitor.channels.shared.rendering import cut, escaped, said
from pacs_monitor.model import Notification

DETAIL_LIMIT = 4096
"""Bytes of one detail, escaped."""
NAMED = 100
"""Members of a list that are named."""
_DETAILS = (
    *(
        "impact",
        "services",
        "why",
        "detail",
        "points_to",
        "next_step",
        "support",
        "downtime_procedure",
        "state",
        "reason",
        "blame",
        "check",
        "probe",
        "node",
        "site",
        "role",
    ),
    *("since", "noticed", "last_good", "resolved", "members", "nodes", "also_failing", "still_ok"),
    *(
        "last_changes",
        "acknowledged",
        "public_note",
        "labels",
        "missed",
        "window",
        "failing",
        "runbook",
        "monitor",
        "incident",
    ),
)


def page_key(notification: Notification, longest: int) -> str:
    """Of the current page; one that the receiver would not take whole is its hash."""
    return _key(notification, _page(notification), longest)


def key_of(dedup_key: str, page: int, longest: int) -> str:
    """Of one page of an incident."""
    key = f"{dedup_key}/{page}"
    return key if len(key) <= longest else sha256(key.encode()).hexdigest()


def former_keys(notification: Notification, longest: int) -> list[str]:
    """Of the pages before it, the latest first."""
    return [_key(notification, page, longest) for page in range(_page(notification) - 1, 0, -1)]


def pages_anew(notification: Notification) -> bool:
    return notification.data.get("worse") is True


def details(data: Mapping[str, Any]) -> dict[str, str]:
    """What a page says beside its summary, as texts; nothing that is empty."""
    told = {key: _text(data, key) for key in _DETAILS}
    return {key: cut(text, DETAIL_LIMIT, escaped) for key, text in told.items() if text}


def _page(notification: Notification) -> int:
    page = notification.data.get("page")
    return page if isinstance(page, int) else 1


def _key(notification: Notification, page: int, longest: int) -> str:
    return key_of(said(notification.data, "dedup_key") or notification.id, page, longest)


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {one}" for name, one in value.items() if one)
    if isinstance(value, list | tuple):
        more = f" and {len(value) - NAMED} more" if len(value) > NAMED else ""
        return ", ".join(_one(one) for one in value[:NAMED]) + more
    return said(data, key)


def _one(value: object) -> str:
    return (
        str(value.get("text") or value.get("summary") or value.get("what") or value.get("incident"))
        if isinstance(value, Mapping)
        else str(value)
    )
