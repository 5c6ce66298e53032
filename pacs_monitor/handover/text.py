"""The handover as text, for a terminal and for a message: what must be done first stands first; what is empty, not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo

from pacs_monitor.format.human import moment, pluralized
from pacs_monitor.handover.parts import EndedIncident, Handover, OnDuty, OpenIncident, Undelivered
from pacs_monitor.model import Micros, Paging

NAMED = 5
"""Incidents that the summary of a message names."""
LISTED = 50
"""Ended incidents, and checks of one line, that the text lists."""
UNSENT = {
    Paging.SHADOW: "paging is in shadow mode: pages are recorded, nobody receives them",
    Paging.OFF: "paging is off: nobody receives pages",
}
Times = Callable[[Micros], str]


def summary(handover: Handover, zone: tzinfo) -> str:
    """One sentence for channels that show no more: what must be done first."""
    when = _times(handover, zone)
    parts = []
    if handover.open:
        named = "; ".join(one.summary for one in handover.open[:NAMED])
        more = f"; and {len(handover.open) - NAMED} more" if len(handover.open) > NAMED else ""
        parts.append(f"{pluralized(len(handover.open), 'incident')} not acknowledged: {named}{more}")
    parts += [f"{pluralized(len(handover.acknowledged), 'incident')} being handled"] if handover.acknowledged else []
    parts += [] if parts else ["nothing open"]
    if handover.overdue:
        parts.append(f"{pluralized(len(handover.overdue), 'update')} to users overdue")
    if failing := [one.channel for one in handover.undelivered]:
        parts.append(f"pages not delivered by {', '.join(failing)}")
    if blind := sum(len(one.checks) for one in handover.not_checked):
        parts.append(f"{pluralized(blind, 'check')} not being checked")
    if nobody := [one.rota for one in handover.on_call if one.covered and not one.people]:
        parts.append(f"nobody is on call by the rota {', '.join(nobody)}")
    ended = " ".join(part if part.endswith(("?", ".")) else f"{part}." for part in parts)
    return f"Handover of {handover.monitor} at {when(handover.time)}: {ended}"


def lines(handover: Handover, zone: tzinfo) -> list[str]:
    """All of it, times in the monitor's zone."""
    when = _times(handover, zone)
    text = [f"Handover of {handover.monitor}, {moment(handover.time, zone)}"]
    text += [UNSENT[handover.paging]] if handover.paging in UNSENT else []
    text += [] if handover.open or handover.acknowledged else ["", "Nothing is open."]
    for title, rows in _sections(handover, when):
        if rows:
            text += ["", title, *(f"  {row}" for row in rows)]
    return text


def _sections(handover: Handover, when: Times) -> Iterable[tuple[str, Sequence[str]]]:
    opened = [row for one in handover.open for row in _open(one, when)]
    first = f"DO FIRST: {pluralized(len(handover.open), 'incident')} nobody has acknowledged, the oldest first"
    yield first, opened
    overdue = [row for one in handover.overdue for row in _overdue(one, handover.time, when)]
    yield "UPDATES TO USERS ARE OVERDUE: write them, or say when the next one comes", overdue
    yield (
        "PAGES THAT DO NOT ARRIVE: the log of the monitor has the receiver's answer",
        [row for channel in handover.undelivered for row in _undelivered(channel, when)],
    )
    handled = [row for one in handover.acknowledged for row in _open(one, when)]
    yield f"BEING HANDLED: {pluralized(len(handover.acknowledged), 'incident')}", handled
    yield "ENDS SOON, OR HAS ENDED", _expiring(handover, when)
    yield "MAINTENANCE WITHIN A DAY", _planned(handover, when)
    yield "PAUSED", _paused(handover, when)
    yield "NOT BEING CHECKED", list(_not_checked(handover, when))
    yield (
        "HAVE NEVER WORKED: compare host, port and AE titles with the system's",
        [_names(handover.never_worked)] if handover.never_worked else [],
    )
    yield "CHANNELS NOT PROVEN LATELY: try each with pacs-monitor notify-test CHANNEL", _unproven(handover, when)
    yield "ON CALL", [row for one in handover.on_call for row in _on_call(one, when)]
    yield f"ENDED since {when(handover.since)}", _ended(handover.ended, when)


def _open(one: OpenIncident, when: Times) -> list[str]:
    rows = [f"{one.severity}: {one.summary}"]
    said = one.acknowledged
    if said is None:
        rows += [f"  → {one.next_step}"] if one.next_step else []
        rows += [f"  impact: {one.impact}"] if one.impact else []
        rows.append(f"  I have it: pacs-monitor ack {one.id}")
    else:
        ticket = f", ticket {said.ticket}" if said.ticket else ""
        why = f": {said.why}" if said.why else ""
        rows += [f"  impact: {one.impact}"] if one.impact else []
        rows.append(f"  handled by {said.by} until {when(said.until)}{ticket}{why} (incident {one.id})")
    rows += [f"  {note.by} at {when(note.at)}: {note.text}" for note in one.notes]
    if one.public_note is not None:
        promised = one.public_note.next_update
        following = "" if promised is None else f" (next update {when(promised)})"
        rows.append(f"  users were told: {one.public_note.text}{following}")
    return rows


def _overdue(one: OpenIncident, now: Micros, when: Times) -> list[str]:
    promised, note = one.overdue(now), one.public_note
    if promised is None or note is None:
        return []
    return [
        f"promised for {when(promised)}, last told at {when(note.at)}: {note.text}",
        f'  pacs-monitor note {one.id} --public --next-update TIME "…"',
    ]


def _undelivered(channel: Undelivered, when: Times) -> list[str]:
    rows = []
    name, waits = channel.channel, pluralized(channel.pending, "notification waits", "notifications wait")
    if channel.failing_since is not None:
        rows.append(f"{name} has delivered nothing since {when(channel.failing_since)} ({channel.reason}); {waits}")
    elif channel.pending and channel.oldest is not None:
        rows.append(f"{name}: {waits} since {when(channel.oldest)}")
    rows += [f"{name} refuses, but accepts others: {summary}" for summary in channel.refused]
    return rows + [f"{name} has not sent, and will not: {summary}" for summary in channel.lost]


def _expiring(handover: Handover, when: Times) -> list[str]:
    follows = {"acknowledgement": "reminders and escalation begin again", "approval": "the check writes nothing"}
    rows = []
    for one in handover.expiring:
        by = f" by {one.by}" if one.by else ""
        ended = f"ended {when(one.at)}" if one.at <= handover.time else f"ends {when(one.at)}"
        rows.append(f"the {one.what}{by} {ended}, then {follows[one.what]}: {one.about.partition('; ')[0]}")
    return rows


def _planned(handover: Handover, when: Times) -> list[str]:
    return [
        f"{when(one.start)} to {when(one.end)} {one.name}: {one.covers}" + (f" (by {one.by})" if one.by else "")
        for one in handover.maintenance
    ]


def _paused(handover: Handover, when: Times) -> list[str]:
    rows = []
    for one in handover.pauses:
        until, why = "" if one.until is None else f" until {when(one.until)}", f": {one.why}" if one.why else ""
        rows.append(f"{one.what} by {one.by}{until}{why}")
    return rows


def _not_checked(handover: Handover, when: Times) -> Iterable[str]:
    for one in handover.not_checked:
        since = "" if one.since is None else f" since {when(one.since)}"
        incident = f" (incident {one.incident})" if one.incident else ""
        yield f"{_names(one.checks)}{since}: {one.why}{incident}"


def _on_call(one: OnDuty, when: Times) -> list[str]:
    to = ", ".join(one.channels)
    nobody = "NOBODY" if one.covered else "not covered"
    now = " and ".join(one.people) or f"{nobody}, pages go to {to}"
    following = " and ".join(one.following) or "nobody of the rota"
    until = "" if one.until is None else f" until {when(one.until)}, then {following}"
    gaps = [f"  nobody {one.gaps}: add a shift or an override to the rota"] if one.gaps else []
    return [f"{one.rota}: {now}{until}", *gaps]


def _unproven(handover: Handover, when: Times) -> list[str]:
    return [
        f"{one.channel}: "
        + ("has never delivered anything" if one.last_success is None else f"delivered last {when(one.last_success)}")
        for one in handover.unproven
    ]


def _ended(ended: Sequence[EndedIncident] | None, when: Times) -> list[str]:
    if ended is None:
        return ["not known: the history cannot be read now"]
    rows = [
        f"{when(one.ended)} {one.severity}: {one.summary}{_had(one)} (incident {one.id})" for one in ended[-LISTED:]
    ]
    more = len(ended) - LISTED
    return [f"{more} earlier ones: pacs-monitor incidents --all", *rows] if more > 0 else rows


def _had(one: EndedIncident) -> str:
    said = one.acknowledged
    if said is None:
        return ""
    return f"; handled by {said.by}" + (f", ticket {said.ticket}" if said.ticket else "")


def _names(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more: pacs-monitor status" if more > 0 else "")


def _times(handover: Handover, zone: tzinfo) -> Times:
    return lambda at: moment(at, zone, handover.time)
