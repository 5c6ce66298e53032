"""What is said of channels that fail, and of the monitor's own tasks; `since` is written for people."""

from __future__ import annotations

from pacs_monitor.language import _
from pacs_monitor.model import CALENDAR, ONCALL, RECORD, TEST_NOT_DELIVERED, Event, Incident


def delivery(incident: Incident, event: Event, since: str) -> str:
    channel = incident.cause
    if event is Event.WITHDRAWN:
        return _(
            "Channel {channel} was removed; its delivery incident, open since {since}, is withdrawn",
            channel=channel,
            since=since,
        )
    if event is Event.RESOLVED:
        return _(
            "Channel {channel} works again, was reloaded, or has nothing left to deliver; it had delivered nothing "
            "since {since}",
            channel=channel,
            since=since,
        )
    if incident.detail == TEST_NOT_DELIVERED:
        return _(
            "Channel {channel} has not delivered its test of {since}: pages sent through it may not arrive",
            channel=channel,
            since=since,
        )
    why = f" ({incident.detail})" if incident.detail else ""
    return _(
        "Channel {channel} has delivered nothing since {since}{why}: pages sent through it do not arrive",
        channel=channel,
        since=since,
        why=why,
    )


def fault(incident: Incident, event: Event, since: str) -> str:
    if incident.cause.startswith(CALENDAR):
        return _calendar(incident.cause.removeprefix(CALENDAR), event, since)
    if incident.cause.startswith(ONCALL):
        return _oncall(incident.cause.removeprefix(ONCALL), event, since)
    if incident.cause == RECORD:
        return _record(event, since)
    if event is Event.RESOLVED:
        return _(
            "The monitor's task {task} works again; it had been failing repeatedly since {since}",
            task=incident.cause,
            since=since,
        )
    return _(
        "The monitor's task {task} has been failing repeatedly since {since}: read its log; people may miss pages",
        task=incident.cause,
        since=since,
    )


def _record(event: Event, since: str) -> str:
    if event is Event.RESOLVED:
        return _(
            "The history of the monitor is written again and not damaged; it was not in order since {since}",
            since=since,
        )
    return _(
        "Look after the monitor's database: since {since} it is damaged or cannot be written, and its log says why; "
        "probing and paging go on, but what happens now may be missing from reports",
        since=since,
    )


def _oncall(name: str, event: Event, since: str) -> str:
    if event is Event.WITHDRAWN:
        return _(
            "The rota {name}, by which nobody was on call since {since}, was removed from the configuration",
            name=name,
            since=since,
        )
    if event is Event.RESOLVED:
        return _("Somebody is on call again by the rota {name}; nobody was since {since}", name=name, since=since)
    return _(
        "Add an override to the rota {name}, and reload: nobody has been on call since {since}, and its pages go to "
        "the channels under 'otherwise'; pacs-monitor oncall shows who is on call next",
        name=name,
        since=since,
    )


def _calendar(name: str, event: Event, since: str) -> str:
    if event is Event.WITHDRAWN:
        return _(
            "The maintenance calendar {name}, not read since {since}, was removed from the configuration",
            name=name,
            since=since,
        )
    if event is Event.RESOLVED:
        return _("The maintenance calendar {name} is read again; its windows count as it has them now", name=name)
    return _(
        "Repair the maintenance calendar {name}, of which nothing current was read since {since}: its windows that "
        "have not begun do not count, so planned work will page; pacs-monitor status says why",
        name=name,
        since=since,
    )
