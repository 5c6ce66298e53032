"""Incidents of the monitor itself: checks that have no valid result for long, channels that fail, tasks that fail."""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting.endings import end
from pacs_monitor.alerting.events import NOT_BLIND, ChannelFailing, KnownAgain, UnknownSince
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import (
    CALENDAR,
    ONCALL,
    SECOND,
    CheckId,
    Ending,
    Incident,
    IncidentKind,
    Micros,
    Reason,
    Severity,
    State,
)

BLIND = "unknown:"
"""Wakes that begin so look at a check that was unknown."""


def unknown(turn: Turn, spell: UnknownSince) -> None:
    """A check has no valid result, or for another reason than until now."""
    before = turn.now.unknown.get(spell.check)
    turn.put(unknown=(spell.check, spell))
    turn.drop(untried=spell.check)
    if before is not None and before.reason is not spell.reason:
        _left(turn, before.reason)
    _consider(turn, spell)


def known(turn: Turn, again: KnownAgain) -> None:
    """A check has a valid result again, or its turn has not come yet."""
    before = turn.now.unknown.get(again.check)
    turn.drop(unknown=again.check)
    if again.untried:
        turn.put(untried=(again.check, None))
    else:
        turn.drop(untried=again.check)
    if before is not None and not (again.untried and before.reason in NOT_BLIND):
        _left(turn, before.reason)
    elif not again.untried:
        _look_at_all(turn)


def ripened(turn: Turn, name: str) -> None:
    """The time has come to look at a check again that was unknown."""
    spell = turn.now.unknown.get(CheckId.parse(name.removeprefix(BLIND)))
    if spell is not None:
        _consider(turn, spell)


def _consider(turn: Turn, spell: UnknownSince) -> None:
    """A check that has been unknown for long joins the incident of its reason."""
    if spell.check not in turn.rules.checks or spell.reason in NOT_BLIND:
        return
    if turn.now.closed.get(spell.check) == spell.reason:
        return
    ripe = spell.since + round(turn.rules.checks[spell.check].unknown_after * SECOND)
    if ripe > turn.at:
        turn.wake(f"{BLIND}{spell.check}", ripe)
    else:
        _join(turn, spell)


def channel_failing(turn: Turn, failing: ChannelFailing) -> None:
    if failing.channel not in turn.rules.channels:
        return
    turn.put(failing=(failing.channel, (failing.since, failing.reason)))
    if turn.owner((IncidentKind.DELIVERY, failing.channel)) is None:
        since = min(failing.since, turn.at)
        incident = _incident(turn, IncidentKind.DELIVERY, failing.channel, State.DOWN, since)
        _open(turn, replace(incident, detail=failing.reason))


def channel_works(turn: Turn, channel: str) -> None:
    turn.drop(failing=channel)
    subject = turn.owner((IncidentKind.DELIVERY, channel))
    if subject is not None:
        end(turn, subject, Ending.RESOLVED, turn.at)


def measured(turn: Turn, check: CheckId) -> None:
    """It has a valid result again, or is watched no more: what somebody closed may open anew."""
    if check in turn.now.closed:
        turn.drop(closed=check)
        turn.note("closed", str(check), None)


def tasks_failing(turn: Turn, tasks: tuple[str, ...]) -> None:
    turn.now = replace(turn.now, faults=frozenset(tasks))
    for task in sorted(tasks):
        if turn.owner((IncidentKind.FAULT, task)) is None:
            _open(turn, _incident(turn, IncidentKind.FAULT, task, State.DEGRADED, turn.at))
    for subject in turn.of(IncidentKind.FAULT):
        cause = subject.incident.cause
        if cause not in turn.now.faults and not cause.startswith((CALENDAR, ONCALL)):
            end(turn, subject, Ending.RESOLVED, turn.at)


def fault(turn: Turn, cause: str, since: Micros) -> None:
    """Something that the monitor relies on is out of order."""
    if turn.owner((IncidentKind.FAULT, cause)) is None:
        _open(turn, _incident(turn, IncidentKind.FAULT, cause, State.DEGRADED, min(since, turn.at)))


def fault_over(turn: Turn, cause: str, ending: Ending) -> None:
    subject = turn.owner((IncidentKind.FAULT, cause))
    if subject is not None:
        end(turn, subject, ending, turn.at)


def reloaded(turn: Turn) -> None:
    """Channels and checks that are no longer configured take their incidents with them."""
    for subject in turn.of(IncidentKind.DELIVERY):
        if subject.incident.cause not in turn.rules.channels:
            turn.drop(failing=subject.incident.cause)
            end(turn, subject, Ending.WITHDRAWN, turn.at)
    for check in list(turn.now.unknown):
        if check not in turn.rules.checks:
            turn.drop(unknown=check)
    for check in list(turn.now.closed):
        if check not in turn.rules.checks:
            measured(turn, check)
    _look_at_all(turn)
    for spell in list(turn.now.unknown.values()):
        _consider(turn, spell)


def _join(turn: Turn, spell: UnknownSince) -> None:
    subject = turn.owner((IncidentKind.BLIND, spell.reason.value))
    if subject is None:
        incident = _incident(turn, IncidentKind.BLIND, spell.reason.value, State.UNKNOWN, spell.since)
        subject = _open(turn, replace(incident, reason=spell.reason, detail=spell.detail))
    if spell.check not in subject.incident.members:
        members = (*subject.incident.members, spell.check)
        turn.keep(replace(subject, incident=subject.incident.changed(members=members)))


def _left(turn: Turn, reason: Reason) -> None:
    """A check is no longer unknown for a reason. A pause was none of an incident, but may have kept any one open."""
    if reason in NOT_BLIND:
        _look_at_all(turn)
    else:
        _look(turn, reason.value)


def _look_at_all(turn: Turn) -> None:
    for subject in turn.of(IncidentKind.BLIND):
        _look(turn, subject.incident.cause)


def _look(turn: Turn, reason: str) -> None:
    """The incident of a reason ends when none of its checks is unknown for it any more."""
    subject = turn.owner((IncidentKind.BLIND, reason))
    if subject is None:
        return
    watched = [member for member in subject.incident.members if member in turn.rules.checks]
    for member in watched:
        spell = turn.now.unknown.get(member)
        if member in turn.now.untried or (spell is not None and spell.reason in (reason, Reason.PAUSED)):
            return  # a pause shows nothing, so it ends nothing
    end(turn, subject, Ending.RESOLVED if watched else Ending.WITHDRAWN, turn.at)


def _open(turn: Turn, incident: Incident) -> Subject:
    """Notified at once."""
    turn.own((incident.kind, incident.cause), incident.id)
    return turn.keep(Subject(incident, turn.at))


def _incident(turn: Turn, kind: IncidentKind, cause: str, state: State, since: Micros) -> Incident:
    return Incident(turn.identity(), kind, cause, Severity.WARNING, state, None, None, "", None, since, turn.at)
