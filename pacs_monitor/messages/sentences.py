"""What is wrong, since when and who deals with it, in one sentence: the summary of a notification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from pacs_monitor.format.human import duration, moment
from pacs_monitor.language import N_, _, _n
from pacs_monitor.messages import own
from pacs_monitor.messages.findings import finding
from pacs_monitor.messages.next_steps import explained_by_detail
from pacs_monitor.messages.reasons import phrase, port_of
from pacs_monitor.messages.scene import Scene
from pacs_monitor.model import SECOND, Check, CheckId, Event, Incident, IncidentKind, Micros, State

GIST = 200
"""How many characters of a detail a summary includes."""


def sentence(
    incident: Incident,
    event: Event,
    check: Check | None,
    scene: Scene,
    *,
    overran: tuple[str, Micros] | None,
    still_ok: list[str],
    also_failing: list[str],
) -> str:
    """The summary; `check` speaks for the incident."""
    return (
        _summary(incident, event, check, scene)
        + _overran(overran, scene)
        + _said(incident, event, scene)
        + _flapping(incident)
        + _beside(incident, event, still_ok, also_failing)
    )


def title_of(incident: Incident, scene: Scene) -> str:
    """What people call it."""
    if not incident.members:
        return scene.name
    first = incident.members[0]
    check = scene.checks.get(first)
    return (check and check.node.title) or first.node


def _summary(incident: Incident, event: Event, check: Check | None, scene: Scene) -> str:
    since = _clock(incident.since, scene)
    match incident.kind:
        case IncidentKind.BLIND:
            return _blind(incident, event, scene)
        case IncidentKind.DELIVERY:
            return own.delivery(incident, event, since)
        case IncidentKind.FAULT:
            return own.fault(incident, event, since)
        case _:
            return _node(incident, event, check, scene)


def _flapping(incident: Incident) -> str:
    """Which of its checks come and go."""
    names = [problem.check.check for problem in incident.problems if problem.is_flapping]
    if not names or incident.ended is not None:
        return ""
    return _n(
        "; {names} is flapping (five failures within an hour): it ends after 30 min without a change",
        "; {names} are flapping (five failures within an hour): it ends after 30 min without a change",
        len(names),
        names=named(names),
    )


def _said(incident: Incident, event: Event, scene: Scene) -> str:
    """Who has acknowledged it, or that nobody has."""
    if event is Event.ESCALATED:
        return _("; escalated, because nobody has acknowledged it")
    said = incident.acknowledgement
    if event not in (Event.ACKNOWLEDGED, Event.RESOLVED) or said is None:
        return ""
    why = f": {said.why}" if said.why else ""
    ticket = " (" + _("ticket {ticket}", ticket=said.ticket) + ")" if said.ticket else ""
    if event is Event.RESOLVED:
        return _("; handled by {by}{ticket}", by=said.by, ticket=ticket)
    until = _clock(said.until, scene)
    return _("; acknowledged by {by} until {until}{why}{ticket}", by=said.by, until=until, why=why, ticket=ticket)


def _overran(overran: tuple[str, Micros] | None, scene: Scene) -> str:
    """It is a page because its maintenance is over."""
    if overran is None:
        return ""
    return _("; its maintenance '{name}' ended at {at}", name=overran[0], at=_clock(overran[1], scene))


def _node(incident: Incident, event: Event, check: Check | None, scene: Scene) -> str:
    title, since = title_of(incident, scene), _clock(incident.since, scene)
    if event is Event.WITHDRAWN:
        return _n(
            "{title}: {names} is no longer monitored; its incident, open since {since}, is withdrawn",
            "{title}: {names} are no longer monitored; their incident, open since {since}, is withdrawn",
            len(incident.members),
            title=title,
            names=named(map(str, incident.members)),
            since=since,
        )
    if event is Event.CLOSED:
        return _(
            "{title}: its incident, open since {since}, was closed by hand, while nothing was measured to fail",
            title=title,
            since=since,
        )
    if incident.ended is not None:
        return _over(incident, incident.ended, check, scene)
    return _open(incident, event, check, scene)


def _over(incident: Incident, ended: Micros, check: Check | None, scene: Scene) -> str:
    one = check is not None and len(incident.members) == 1
    return _(
        "{title}: {names} {again} at {at}, after {lasted}",
        title=title_of(incident, scene),
        names=_checks(incident),
        again=_(check.probe.recovered(check.settings) if one and check else N_("have recovered")),
        at=_clock(ended, scene),
        lasted=duration(max(0, ended - incident.since) // SECOND),
    )


def _open(incident: Incident, event: Event, check: Check | None, scene: Scene) -> str:
    title, since = title_of(incident, scene), _clock(incident.since, scene)
    if incident.state is State.ABSENT:
        return _(
            "{title} is now switched off or out of reach; its incident, open since {since}, stays open until it "
            "recovers",
            title=title,
            since=since,
        )
    if incident.state is State.UP:
        return _("{title} is up at the moment; its incident, open since {since}, stays open", title=title, since=since)
    if incident.state is State.UNKNOWN:
        return _(
            "{title} has been failing since {since} and cannot be checked now: {why}",
            title=title,
            since=since,
            why=_in_detail(incident, scene) or phrase(incident.reason, check),
        )
    return _trouble(incident, event, check, scene)


_TROUBLE = {
    (False, False): N_("{title} {trouble} since {since}"),
    (False, True): N_("{title} {trouble} ({state}) since {since}"),
    (True, False): N_("{title} still {trouble} since {since}"),
    (True, True): N_("{title} still {trouble} ({state}) since {since}"),
}
_FOUND = {
    (False, False): N_("{title}: {detail} (since {since})"),
    (False, True): N_("{title}: {detail} ({state}, since {since})"),
    (True, False): N_("{title} still: {detail} (since {since})"),
    (True, True): N_("{title} still: {detail} ({state}, since {since})"),
}
"""By whether it goes on, and whether the state is said."""
_STATES = {
    State.DEGRADED: (N_("degraded"), N_("now degraded")),
    State.DOWN: (N_("down"), N_("now down")),
}


def _trouble(incident: Incident, event: Event, check: Check | None, scene: Scene) -> str:
    """Down goes without saying, unless it was degraded until now."""
    still = event in (Event.REMINDED, Event.ESCALATED)
    changed = event is Event.CHANGED
    state = _(_STATES[incident.state][changed]) if changed or incident.state is State.DEGRADED else ""
    title, since, form = title_of(incident, scene), _clock(incident.since, scene), (still, bool(state))
    if detail := _in_detail(incident, scene):
        subject = title + _name(check, detail)
        said = _(_FOUND[form], title=subject, detail=detail, state=state, since=since)
    else:
        subject = title if check is None or port_of(check) else f"{title} ({check.id.check})"
        said = _(_TROUBLE[form], title=subject, trouble=phrase(incident.reason, check), state=state, since=since)
    return said + _failing(incident)


def _failing(incident: Incident) -> str:
    """The members that are in trouble, if they are more than one."""
    names = [problem.check.check for problem in incident.in_trouble]
    count = len(names)
    return _("; {count} checks fail: {names}", count=count, names=named(names)) if count > 1 else ""


def _checks(incident: Incident) -> str:
    """The names of its checks, where the node is clear."""
    return named(check.check for check in incident.members)


def _name(check: Check | None, text: str) -> str:
    """The check's name, where it says more than its kind, and what is said does not begin with it."""
    if check is None or check.id.check == check.probe.kind or text.startswith(f"{check.id.check}: "):
        return ""
    return f", {check.id.check}"


_BLIND = {
    Event.WITHDRAWN: N_("{names}: no longer monitored; the incident, open since {since}, is withdrawn"),
    Event.CLOSED: N_(
        "{names}: the incident, open since {since}, was closed by hand; the monitor still has no valid result"
    ),
    Event.RESOLVED: N_(
        "{names}: measured again, or not measured for another reason (not measured since {since}: {why})"
    ),
}


def _blind(incident: Incident, event: Event, scene: Scene) -> str:
    names, since = named(map(str, incident.members)), _clock(incident.since, scene)
    why = (len(incident.members) == 1 and _in_detail(incident, scene)) or phrase(incident.reason)
    if event is Event.CHANGED:
        return _(
            "The monitor has no valid result from {count} checks now, {names}: {why} (the first since {since})",
            count=len(incident.members),
            names=named(map(str, reversed(incident.members))),
            why=why,
            since=since,
        )
    going_on = N_("The monitor has had no valid result from {names} since {since}: {why}")
    return _(_BLIND.get(event, going_on), names=names, since=since, why=why)


def _in_detail(incident: Incident, scene: Scene) -> str:
    """What is wrong, by the detail, where the reason's own words are too general; shortened to fit one sentence."""
    detail = incident.detail
    if not detail or not explained_by_detail(incident.reason, kind_of(incident, scene.checks), incident.phase):
        return ""
    said = finding(detail)
    if said is None:
        return _('{trouble}: "{detail}"', trouble=phrase(incident.reason), detail=_gist(detail))
    return _gist(said)


def _gist(text: str) -> str:
    return text if len(text) <= GIST else text[: GIST - 1] + "…"


def _beside(incident: Incident, event: Event, still_ok: list[str], also_failing: list[str]) -> str:
    """What still works helps to distinguish a dead archive from a full one; what still fails, that it is not over."""
    if incident.kind is not IncidentKind.NODE:
        return ""
    match event:
        case Event.OPENED | Event.REMINDED | Event.ESCALATED if still_ok:
            names = named(map(_check, still_ok))
            return _n("; {names} still works", "; {names} still work", len(still_ok), names=names)
        case Event.RESOLVED if also_failing:
            names = named(map(_check, also_failing))
            return _n("; {names} still fails", "; {names} still fail", len(also_failing), names=names)
    return ""


def _check(identity: str) -> str:
    """The check's own name, where the node is clear."""
    return identity.partition("/")[2]


def named(names: Iterable[str]) -> str:
    """Three, and how many more."""
    every = list(names)
    more, first = len(every) - 3, ", ".join(every[:3])
    return _("{named} and {more} more", named=first, more=more) if more > 0 else first


def _clock(at: Micros, scene: Scene) -> str:
    return moment(at, ZoneInfo(scene.monitor.timezone), scene.now)


def kind_of(incident: Incident, checks: Mapping[CheckId, Check]) -> str | None:
    """The one probe kind of its members."""
    kinds = {checks[member].probe.kind for member in incident.members if member in checks}
    return kinds.pop() if len(kinds) == 1 else None
