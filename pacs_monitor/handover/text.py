"""The handover as text, for a terminal and for a message: what must be done first stands first; what is empty, not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from functools import reduce

from pacs_monitor.format.human import moment
from pacs_monitor.handover.parts import EndedIncident, Handover, OnDuty, OpenIncident, Undelivered
from pacs_monitor.language import N_, _, _n
from pacs_monitor.model import Acknowledgement, Micros, Paging, Severity

NAMED = 5
"""Incidents that the summary of a message names."""
LISTED = 50
"""Ended incidents, and checks of one line, that the text lists."""
UNSENT = {
    Paging.SHADOW: N_("paging is in shadow mode: pages are recorded, nobody receives them"),
    Paging.OFF: N_("paging is off: nobody receives pages"),
}
_SEVERITIES = {Severity.CRITICAL: N_("critical"), Severity.WARNING: N_("warning"), Severity.INFO: N_("info")}
_ENDS = {
    "acknowledgement": N_("the acknowledgement{by} ends {at}, then reminders and escalation begin again: {about}"),
    "approval": N_("the approval{by} ends {at}, then the check writes nothing: {about}"),
}
_HAS_ENDED = {
    "acknowledgement": N_("the acknowledgement{by} ended {at}, then reminders and escalation begin again: {about}"),
    "approval": N_("the approval{by} ended {at}, then the check writes nothing: {about}"),
}
Times = Callable[[Micros], str]


def summary(handover: Handover, zone: tzinfo) -> str:
    """One sentence for channels that show no more: what must be done first."""
    parts = [*_open_in_short(handover)] or [_("nothing open")]
    if late := len(handover.overdue):
        parts.append(_n("{count} update to users overdue", "{count} updates to users overdue", late))
    if failing := ", ".join(one.channel for one in handover.undelivered):
        parts.append(_("pages not delivered by {channels}", channels=failing))
    if blind := sum(len(one.checks) for one in handover.not_checked):
        parts.append(_n("{count} check not being checked", "{count} checks not being checked", blind))
    if nobody := ", ".join(one.rota for one in handover.on_call if one.covered and not one.people):
        parts.append(_("nobody is on call by the rota {rotas}", rotas=nobody))
    ended = " ".join(part if part.endswith(("?", ".")) else f"{part}." for part in parts)
    at = moment(handover.time, zone, handover.time)
    return _("Handover of {monitor} at {at}: {said}", monitor=handover.monitor, at=at, said=ended)


def _open_in_short(handover: Handover) -> Iterable[str]:
    if count := len(handover.open):
        named = "; ".join(one.summary for one in handover.open[:NAMED])
        if count > NAMED:
            named = _("{named}; and {more} more", named=named, more=count - NAMED)
        yield _n(
            "{count} incident not acknowledged: {named}",
            "{count} incidents not acknowledged: {named}",
            count,
            named=named,
        )
    if handled := len(handover.acknowledged):
        yield _n("{count} incident being handled", "{count} incidents being handled", handled)


def lines(handover: Handover, zone: tzinfo) -> list[str]:
    """All of it, times in the monitor's zone."""
    when = _times(handover, zone)
    text = [_("Handover of {monitor}, {at}", monitor=handover.monitor, at=moment(handover.time, zone))]
    text += [_(UNSENT[handover.paging])] if handover.paging in UNSENT else []
    text += [] if handover.open or handover.acknowledged else ["", _("Nothing is open.")]
    for title, rows in _sections(handover, when):
        if rows:
            text += ["", title, *(f"  {row}" for row in rows)]
    return text


def _sections(handover: Handover, when: Times) -> Iterable[tuple[str, Sequence[str]]]:
    first = _n(
        "DO FIRST: {count} incident nobody has acknowledged, the oldest first",
        "DO FIRST: {count} incidents nobody has acknowledged, the oldest first",
        len(handover.open),
    )
    yield first, [row for one in handover.open for row in _open(one, when)]
    overdue = [row for one in handover.overdue for row in _overdue(one, handover.time, when)]
    yield _("UPDATES TO USERS ARE OVERDUE: write them, or say when the next one comes"), overdue
    undelivered = [row for channel in handover.undelivered for row in _undelivered(channel, when)]
    yield _("PAGES THAT DO NOT ARRIVE: the log of the monitor has the receiver's answer"), undelivered
    handled = [row for one in handover.acknowledged for row in _open(one, when)]
    many = len(handover.acknowledged)
    yield _n("BEING HANDLED: {count} incident", "BEING HANDLED: {count} incidents", many), handled
    yield _("ENDS SOON, OR HAS ENDED"), _expiring(handover, when)
    yield _("MAINTENANCE WITHIN A DAY"), _planned(handover, when)
    yield _("PAUSED"), _paused(handover, when)
    yield _("NOT BEING CHECKED"), list(_not_checked(handover, when))
    never = [_names(handover.never_worked)] if handover.never_worked else []
    yield _("HAVE NEVER WORKED: compare host, port and AE titles with the system's"), never
    unproven = _unproven(handover, when)
    yield _("CHANNELS NOT PROVEN LATELY: try each with pacs-monitor notify-test CHANNEL"), unproven
    yield _("ON CALL"), [row for one in handover.on_call for row in _on_call(one, when)]
    yield _("ENDED since {since}", since=when(handover.since)), _ended(handover.ended, when)


def _open(one: OpenIncident, when: Times) -> list[str]:
    severity = _(_SEVERITIES[one.severity])
    rows = [f"{severity}: {one.summary}"]
    impact = ["  " + _("impact: {impact}", impact=one.impact)] if one.impact else []
    said = one.acknowledged
    if said is None:
        rows += [f"  → {one.next_step}"] if one.next_step else []
        rows += [*impact, "  " + _("I have it: pacs-monitor ack {incident}", incident=one.id)]
    else:
        rows += [*impact, f"  {_handled(said, one.id, when)}"]
    for note in one.notes:
        rows.append("  " + _("{by} at {at}: {text}", by=note.by, at=when(note.at), text=note.text))
    if one.public_note is not None:
        promised = one.public_note.next_update
        following = "" if promised is None else _(" (next update {at})", at=when(promised))
        told = one.public_note.text
        rows.append("  " + _("users were told: {text}{following}", text=told, following=following))
    return rows


def _handled(said: Acknowledgement, incident: str, when: Times) -> str:
    why = f": {said.why}" if said.why else ""
    return _(
        "handled by {by} until {until}{ticket}{why} (incident {incident})",
        by=said.by,
        until=when(said.until),
        ticket=_of_ticket(said),
        why=why,
        incident=incident,
    )


def _of_ticket(said: Acknowledgement) -> str:
    return _(", ticket {ticket}", ticket=said.ticket) if said.ticket else ""


def _overdue(one: OpenIncident, now: Micros, when: Times) -> list[str]:
    promised, note = one.overdue(now), one.public_note
    if promised is None or note is None:
        return []
    at, last = when(promised), when(note.at)
    return [
        _("promised for {promised}, last told at {last}: {text}", promised=at, last=last, text=note.text),
        f'  pacs-monitor note {one.id} --public --next-update TIME "…"',
    ]


def _undelivered(channel: Undelivered, when: Times) -> list[str]:
    rows = []
    name, waits = channel.channel, _n("{count} notification waits", "{count} notifications wait", channel.pending)
    if channel.failing_since is not None:
        since, why = when(channel.failing_since), channel.reason
        rows.append(
            _(
                "{channel} has delivered nothing since {since} ({why}); {waits}",
                channel=name,
                since=since,
                why=why,
                waits=waits,
            )
        )
    elif channel.pending and channel.oldest is not None:
        rows.append(_("{channel}: {waits} since {since}", channel=name, waits=waits, since=when(channel.oldest)))
    for said in channel.refused:
        rows.append(_("{channel} refuses, but accepts others: {summary}", channel=name, summary=said))
    for said in channel.lost:
        rows.append(_("{channel} has not sent, and will not: {summary}", channel=name, summary=said))
    return rows


def _expiring(handover: Handover, when: Times) -> list[str]:
    rows = []
    for one in handover.expiring:
        texts = _HAS_ENDED if one.at <= handover.time else _ENDS
        by = _(" by {by}", by=one.by) if one.by else ""
        rows.append(_(texts[one.what], by=by, at=when(one.at), about=one.about.partition("; ")[0]))
    return rows


def _planned(handover: Handover, when: Times) -> list[str]:
    rows = []
    for one in handover.maintenance:
        by, start, end = _(" (by {by})", by=one.by) if one.by else "", when(one.start), when(one.end)
        rows.append(
            _("{start} to {end} {name}: {covers}{by}", start=start, end=end, name=one.name, covers=one.covers, by=by)
        )
    return rows


def _paused(handover: Handover, when: Times) -> list[str]:
    rows = []
    for one in handover.pauses:
        until = "" if one.until is None else _(" until {until}", until=when(one.until))
        why = f": {one.why}" if one.why else ""
        rows.append(_("{what} by {by}{until}{why}", what=one.what, by=one.by, until=until, why=why))
    return rows


def _not_checked(handover: Handover, when: Times) -> Iterable[str]:
    for one in handover.not_checked:
        since = "" if one.since is None else _(" since {since}", since=when(one.since))
        incident = _(" (incident {incident})", incident=one.incident) if one.incident else ""
        yield f"{_names(one.checks)}{since}: {one.why}{incident}"


def _on_call(one: OnDuty, when: Times) -> list[str]:
    to = ", ".join(one.channels)
    now = _joined(one.people)
    if not now:
        now = _("NOBODY, pages go to {to}", to=to) if one.covered else _("not covered, pages go to {to}", to=to)
    following = _joined(one.following) or _("nobody of the rota")
    until = (
        "" if one.until is None else _(" until {until}, then {following}", until=when(one.until), following=following)
    )
    rows = [f"{one.rota}: {now}{until}"]
    if one.gaps:
        rows.append("  " + _("nobody {hours}: add a shift or an override to the rota", hours=one.gaps))
    return rows


def _joined(names: Sequence[str]) -> str:
    return reduce(lambda before, name: _("{before} and {name}", before=before, name=name), names) if names else ""


def _unproven(handover: Handover, when: Times) -> list[str]:
    return [
        _("{channel}: has never delivered anything", channel=one.channel)
        if one.last_success is None
        else _("{channel}: delivered last {at}", channel=one.channel, at=when(one.last_success))
        for one in handover.unproven
    ]


def _ended(ended: Sequence[EndedIncident] | None, when: Times) -> list[str]:
    if ended is None:
        return [_("not known: the history cannot be read now")]
    rows = []
    if (more := len(ended) - LISTED) > 0:
        rows.append(
            _n(
                "{count} earlier one: pacs-monitor incidents --all",
                "{count} earlier ones: pacs-monitor incidents --all",
                more,
            )
        )
    for one in ended[-LISTED:]:
        severity, incident = _(_SEVERITIES[one.severity]), _(" (incident {incident})", incident=one.id)
        rows.append(f"{when(one.ended)} {severity}: {one.summary}{_had(one)}{incident}")
    return rows


def _had(one: EndedIncident) -> str:
    said = one.acknowledged
    return "" if said is None else _("; handled by {by}{ticket}", by=said.by, ticket=_of_ticket(said))


def _names(names: Sequence[str]) -> str:
    named, more = ", ".join(names[:LISTED]), len(names) - LISTED
    return _("{named} and {more} more: pacs-monitor status", named=named, more=more) if more > 0 else named


def _times(handover: Handover, zone: tzinfo) -> Times:
    return lambda at: moment(at, zone, handover.time)
