"""The story of one incident in order of time: its members' transitions, what was sent, what was suppressed and why.

Every line has `at` and `what`; the rest depends on `what`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pacs_monitor.alerting.events import (
    ClockSet,
    KnownAgain,
    Measured,
    Reloaded,
    SiteCut,
    SiteReached,
    Started,
    UnknownSince,
    restored,
)
from pacs_monitor.alerting.words import Acknowledge, Close, Remark
from pacs_monitor.evidence import About, Declared, Statement, in_order, stated
from pacs_monitor.history import HistoryReader, IncidentFile, statements_of
from pacs_monitor.model import (
    SECOND,
    Ending,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    Recorded,
    State,
    Suppressed,
    Transition,
    iso,
)

Line = dict[str, Any]

_SAID = ("acknowledge", "note", "close")
"""Kinds of what people have said."""
_EVENTS = {
    IncidentKind.NODE: ("measured",),
    IncidentKind.GROUP: ("measured",),
    IncidentKind.BLIND: ("unknown", "known"),
}
_OF_THE_MONITOR = ("started", "reloaded", "clock_set")
"""Kinds of events that belong to every story."""
_OF_THE_SITE = ("site_cut", "site_reached")
LINK_BEFORE = 120 * SECOND
"""How long before its first node the link to a site may have failed."""
_ORDER = (
    *(*_OF_THE_MONITOR, *_OF_THE_SITE, "transition", "measured", "unknown", "known"),
    *(*_SAID, "evidence", "overdue"),
    *("opened", "flapping", "linked", "absorbed", "group", "ended", "suppressed", "notified"),
)
"""Of what has the same time: consequences last."""


class Beside(NamedTuple):
    """What the record has of an incident beside its own file."""

    transitions: tuple[Transition, ...] = ()
    events: tuple[Recorded, ...] = ()
    others: tuple[Incident, ...] = ()
    """Incidents of the same cause, its group or the incidents of its group, and those that it may have absorbed."""
    linked: Mapping[str, Micros] = MappingProxyType({})
    """When it was linked with others of the same cause, by their ids."""
    stated: tuple[Statement, ...] = ()
    """What people added for reports."""


def beside(reader: HistoryReader, incident: Incident, now: Micros) -> Beside:
    """Read it; an incident that goes on ends with now."""
    end = now if incident.ended is None else incident.ended
    transitions = reader.noticed(incident.members, incident.noticed, end)
    last = max((moved.noticed for moved in transitions), default=end)
    kinds = (*_EVENTS.get(incident.kind, ()), *_OF_THE_MONITOR, *_SAID)
    events = tuple(reader.events(incident.noticed, max(last, end) + 1, kinds))
    if incident.kind is IncidentKind.GROUP:  # the link may have failed before all nodes had
        events += tuple(reader.events(incident.since - LINK_BEFORE, end + 1, _OF_THE_SITE))
    named = [*incident.linked, *filter(None, [incident.group])]
    others = [other for name in named for other in reader.incidents(id=name)]
    if incident.kind is IncidentKind.NODE:
        others += _merged(incident, reader.incidents(start=incident.noticed - 1, end=end + 1))
    alike = [one for one in others if one.id in incident.linked and incident.kind is IncidentKind.NODE]
    linked = {one.id: _linked(reader, incident, one, end) for one in alike}
    stated = statements_of(reader, About.INCIDENT, [incident.id]).get(incident.id, ())
    return Beside(transitions, events, tuple(others), linked, tuple(stated))


def _linked(reader: HistoryReader, one: Incident, other: Incident, end: Micros) -> Micros:
    """Two are linked when a member of theirs changes after people were notified of both."""
    opened = [sent for sent in reader.notifications(incidents=[one.id, other.id]) if sent.opens]
    both = [min((sent.created for sent in opened if sent.incident == each.id), default=0) for each in (one, other)]
    since = max(one.noticed, other.noticed, *both)
    moves = reader.noticed({*one.members, *other.members}, since, end)
    return next((moved.noticed for moved in moves if moved.before is not State.UP), since)


def _merged(incident: Incident, others: tuple[Incident, ...]) -> Iterator[Incident]:
    """Those that it has absorbed; of one that was absorbed itself, the one that has its members now."""
    for other in others:
        if other.id == incident.id or other.kind is not IncidentKind.NODE or other.id in incident.linked:
            continue
        absorbed, into = (incident, other) if incident.ending is Ending.MERGED else (other, incident)
        went_on = into.ended is None or absorbed.ended is None or into.ended >= absorbed.ended
        if absorbed.ending is Ending.MERGED and went_on and set(absorbed.members) <= set(into.members):
            yield other


def story(found: IncidentFile, more: Beside, now: Micros) -> list[Line]:
    """All lines, the first first."""
    incident = found.incident
    lines = [
        _opened(incident),
        *map(_transition, _own(incident, more.transitions)),
        *_flapping(incident),
        *(line for row in more.events for line in _event(incident, row)),
        *_overdue(incident, more.events, now),
        *(line for other in more.others for line in _other(incident, other, more.linked)),
        *statements(more.stated),
        *map(_suppressed, found.suppressed),
        *map(_notified, found.notifications),
    ]
    if incident.ended is not None:
        lines.append(_ended(incident, more))
    return sorted(lines, key=lambda line: (line["at"], _ORDER.index(line["what"])))


def of_declared(declared: Declared, said: Iterable[Statement]) -> list[Line]:
    """Of an outage that a person declared: that, and what was stated of it since."""
    end = None if declared.end is None else iso(declared.end)
    about = {"by": declared.by, "since": iso(declared.start), "ended": end, "text": declared.evidence}
    return [{"at": iso(declared.at), "what": "declared", **about}, *statements(said, declared.stated())]


def statements(said: Iterable[Statement], known: Iterable[Statement] = ()) -> Iterator[Line]:
    """What was stated, each with what it corrects; `known` was told already."""
    last: dict[str, str | None] = {one.what: stated(one) for one in known}
    for one in in_order(said):
        about = {"by": one.by, "said": one.what.value, "value": stated(one), "before": last.get(one.what)}
        yield {"at": iso(one.at), "what": "evidence", **about, "is_time": one.what.is_moment, "why": one.why}
        last[one.what] = stated(one)


def _own(incident: Incident, transitions: tuple[Transition, ...]) -> Iterator[Transition]:
    """Of a member that has left: only until then."""
    left = {problem.check: problem.left for problem in incident.problems}
    for moved in transitions:
        end = left.get(moved.check)
        if end is None or moved.since <= end:
            yield moved


def _opened(incident: Incident) -> Line:
    due = min((problem.due for problem in incident.problems), default=incident.noticed)
    return {"at": iso(incident.noticed), "what": "opened", "page_due": iso(due)}


def _transition(moved: Transition) -> Line:
    return {
        "at": iso(moved.noticed),
        "what": "transition",
        "check": str(moved.check),
        "before": moved.before,
        "after": moved.after,
        "reason": moved.reason,
        "since": iso(moved.since),
        "detail": moved.detail,
    }


def _flapping(incident: Incident) -> Iterator[Line]:
    """When members began to fail and recover again and again, and when that was over."""
    for problem in incident.problems:
        for at, goes_on in ((problem.flapping, True), (problem.calm, False)):
            if at is not None:
                yield {"at": iso(at), "what": "flapping", "check": str(problem.check), "goes_on": goes_on}


def _event(incident: Incident, row: Recorded) -> Iterator[Line]:
    """An event that was about this incident or about the monitor as a whole."""
    at, members = {"at": iso(row.at)}, set(incident.members)
    match restored(row).what:
        case Measured(check, leaning) if check in members:
            yield at | {"what": "measured", "check": str(check), "leaning": leaning}
        case UnknownSince(check, since, reason, detail) if check in members:
            yield at | {"what": "unknown", "check": str(check), "reason": reason, "since": iso(since), "detail": detail}
        case KnownAgain(check, untried) if check in members and not untried:
            yield at | {"what": "known", "check": str(check)}
        case SiteCut(site, since) if site == incident.cause:
            yield at | {"what": "site_cut", "site": site, "since": iso(since)}
        case SiteReached(site) if site == incident.cause:
            yield at | {"what": "site_reached", "site": site}
        case Acknowledge(about, by, why, until, ticket) if about == incident.id:
            said = {"by": by, "why": why, "until": None if until is None else iso(until), "ticket": ticket}
            yield at | {"what": "acknowledge"} | said
        case Remark(about, by, text, public, next_update) if about == incident.id:
            promised = None if next_update is None else iso(next_update)
            yield at | {"what": "note", "by": by, "text": text, "public": public, "next_update": promised}
        case Close(about, by, why) if about == incident.id:
            yield at | {"what": "close", "by": by, "why": why}
        case Started(off_since):
            yield at | {"what": "started", "off_since": None if off_since is None else iso(off_since)}
        case Reloaded(revision):
            yield at | {"what": "reloaded", "revision": revision[:12]}
        case ClockSet(step):
            yield at | {"what": "clock_set", "seconds": step / 1e6}


def _overdue(incident: Incident, events: Iterable[Recorded], now: Micros) -> Iterator[Line]:
    """Updates that users of the imaging estate were promised, and did not hear in time."""
    end = now if incident.ended is None else incident.ended
    notes = [(row.at, what) for row in events if isinstance(what := restored(row).what, Remark) and what.public]
    own = [(at, note) for at, note in notes if note.incident == incident.id]
    ends = [*(at for at, _ in own[1:]), end]
    for (_, note), after in zip(own, ends, strict=False):  # without notes there is one end too many
        if note.next_update is not None and note.next_update < after:
            yield {"at": iso(note.next_update), "what": "overdue", "text": note.text}


def _other(incident: Incident, other: Incident, linked: Mapping[str, Micros]) -> Iterator[Line]:
    about = {"incident": other.id, "kind": other.kind, "cause": other.cause}
    if other.ending is Ending.MERGED and other.ended is not None:
        yield about | {"at": iso(other.ended), "what": "absorbed"}
    elif other.id == incident.group:
        yield about | {"at": iso(max(other.noticed, incident.noticed)), "what": "group", "ended": False}
        if other.ended is not None and (incident.ended is None or other.ended <= incident.ended):
            yield about | {"at": iso(other.ended), "what": "group", "ended": True}
    elif other.id in incident.linked:
        if incident.kind in (IncidentKind.GROUP, IncidentKind.SUMMARY):
            yield about | {"at": iso(max(other.noticed, incident.noticed)), "what": "group", "ended": False}
        else:
            yield about | {"at": iso(linked.get(other.id, other.noticed)), "what": "linked"}


def _suppressed(row: Suppressed) -> Line:
    return {
        "at": iso(row.at),
        "what": "suppressed",
        "event": row.event,
        "channel": row.channel,
        "why": row.why,
        "detail": row.detail,
        "until": None if row.ended is None else iso(row.ended),
    }


def _notified(sent: Notification) -> Line:
    return {
        "at": iso(sent.created),
        "what": "notified",
        "event": sent.type,
        "channel": sent.channel,
        "status": sent.status,
        "attempts": sent.attempts,
        "settled": None if sent.settled is None else iso(sent.settled),
        "page": sent.data.get("page", 1),
        "worse": sent.data.get("worse", False),
        "fallback_for": sent.data.get("fallback_for", ""),
        "unrecorded": sent.unrecorded,
        "summary": sent.data.get("summary", ""),
        "id": sent.id,
    }


def _ended(incident: Incident, more: Beside) -> Line:
    """When that was decided: its last member's recovery is noticed after it happened."""
    ended = incident.ended or incident.noticed
    at = max((moved.noticed for moved in _own(incident, more.transitions) if moved.since == ended), default=ended)
    into = [other.id for other in more.others if other.ending is not Ending.MERGED]
    line = {"at": iso(at), "what": "ended", "ending": incident.ending, "ended": iso(ended)}
    return line | ({"into": into[0] if into else None} if incident.ending is Ending.MERGED else {})
