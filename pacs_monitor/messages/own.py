"""What is said of channels that fail, and of the monitor's own tasks; `since` is written for people."""

from __future__ import annotations

from pacs_monitor.model import CALENDAR, ONCALL, TEST_NOT_DELIVERED, Event, Incident


def delivery(incident: Incident, event: Event, since: str) -> str:
    if event is Event.WITHDRAWN:
        return f"Channel {incident.cause} was removed; its delivery incident, open since {since}, is withdrawn"
    if event is Event.RESOLVED:
        over = "works again, was reloaded, or has nothing left to deliver"
        return f"Channel {incident.cause} {over}; it had delivered nothing since {since}"
    if incident.detail == TEST_NOT_DELIVERED:
        return f"Channel {incident.cause} has not delivered its test of {since}: pages sent through it may not arrive"
    why = f" ({incident.detail})" if incident.detail else ""
    return f"Channel {incident.cause} has delivered nothing since {since}{why}: pages sent through it do not arrive"


def fault(incident: Incident, event: Event, since: str) -> str:
    if incident.cause.startswith(CALENDAR):
        return _calendar(incident.cause.removeprefix(CALENDAR), event, since)
    if incident.cause.startswith(ONCALL):
        return _oncall(incident.cause.removeprefix(ONCALL), event, since)
    if event is Event.RESOLVED:
        return f"The monitor's task {incident.cause} works again; it had been failing repeatedly since {since}"
    return (
        f"The monitor's task {incident.cause} has been failing repeatedly since {since}: read its log; people may "
        "miss pages"
    )


def _oncall(name: str, event: Event, since: str) -> str:
    if event is Event.WITHDRAWN:
        return f"The rota {name}, by which nobody was on call since {since}, was removed from the configuration"
    if event is Event.RESOLVED:
        return f"Somebody is on call again by the rota {name}; nobody was since {since}"
    return (
        f"Add an override to the rota {name}, and reload: nobody has been on call since {since}, and its pages go to "
        "the channels under 'otherwise'; pacs-monitor oncall shows who is on call next"
    )


def _calendar(name: str, event: Event, since: str) -> str:
    if event is Event.WITHDRAWN:
        return f"The maintenance calendar {name}, not read since {since}, was removed from the configuration"
    if event is Event.RESOLVED:
        return f"The maintenance calendar {name} is read again; its windows count as it has them now"
    return (
        f"Repair the maintenance calendar {name}, of which nothing current was read since {since}: its windows that "
        "have not begun do not count, so planned work will page; pacs-monitor status says why"
    )
