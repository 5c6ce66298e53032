"""What a daemon needs from the history when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import func, select

from pacs_monitor.history import tables as t
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.intervals import FOREVER
from pacs_monitor.model import (
    CheckId,
    DeliveryStatus,
    Incident,
    IncidentKind,
    Maintained,
    Micros,
    Note,
    Notification,
    Notified,
    Reason,
    Standing,
    State,
    Suppressed,
    Transition,
)
from pacs_monitor.proof import counts, proofs

_NOT_TAKEN = frozenset({DeliveryStatus.REFUSED, DeliveryStatus.GIVEN_UP})


@dataclass(frozen=True, slots=True)
class Restored:
    standings: Mapping[CheckId, Standing]
    """Of every check that was watched when the monitor last ran."""
    incidents: tuple[Incident, ...]
    """Those that are open, the oldest first."""
    notified: Mapping[str, tuple[Notified, ...]]
    """For each open incident, what channels were notified of."""
    suppressed: Mapping[str, tuple[Suppressed, ...]]
    """For each open incident, what is suppressed and why, in the order in which it was recorded."""
    pending: tuple[Notification, ...]
    """Of all incidents, also ended ones, in the order in which they were owed.

    An opened that was not taken is owed anew while its incident is open.
    """
    memory: Mapping[CheckId, dict[str, Any]]
    notes: tuple[Note, ...] = ()
    maintained: tuple[Maintained, ...] = ()
    """The checks that were in maintenance when the monitor last ran."""
    last_before: Mapping[CheckId, Micros | None] = field(default_factory=dict)
    """When the last result of the state before the present one had started."""
    proven: frozenset[CheckId] = frozenset()
    """Checks that have been good as they are configured now."""
    held: frozenset[CheckId] = frozenset()
    """Others whose address was changed in an outage that began proven: it counts until it ends."""
    last_delivered: Mapping[str, Micros] = field(default_factory=dict)
    """When each channel last delivered something."""


def restore(reader: HistoryReader, now: Micros) -> Restored:
    """Read it, from one monitor's record."""
    incidents = tuple(reversed(reader.incidents(open_only=True)))
    ids = [incident.id for incident in incidents]
    anew = {
        opened.id: replace(opened, status=DeliveryStatus.PENDING)
        for opened in reader.notifications(incidents=ids)
        if opened.opens and opened.status in _NOT_TAKEN
    }
    notified: dict[str, list[Notified]] = {incident: [] for incident in ids}
    for sent in reader.notified(ids):
        again = sent.refused and sent.opened in anew
        notified[sent.incident].append(sent.changed(refused=False) if again else sent)
    suppressed: dict[str, list[Suppressed]] = {incident: [] for incident in ids}
    for row in reader.suppressed(ids):
        if row.ended is None:
            suppressed[row.incident].append(row)
    latest = reader.latest()
    standings = _standings(reader, incidents, latest)
    proven, edited = _proofs(reader, standings, now)
    return Restored(
        standings=standings,
        incidents=incidents,
        notified={incident: tuple(sent) for incident, sent in notified.items()},
        suppressed={incident: tuple(rows) for incident, rows in suppressed.items()},
        pending=(*anew.values(), *reader.notifications(status=DeliveryStatus.PENDING)),
        memory=reader.memory(),
        notes=reader.notes(),
        maintained=reader.maintained(open_only=True),
        last_before={check: transition.last_before for check, transition in latest.items()},
        proven=proven,
        held=edited,
        last_delivered=_last_delivered(reader),
    )


def _last_delivered(reader: HistoryReader) -> dict[str, Micros]:
    """When each channel last delivered something."""
    of = t.notifications.c
    latest = func.max(func.coalesce(of.settled, of.created)).label("at")
    ours = of.monitor_id == reader.monitor, of.status == DeliveryStatus.DELIVERED
    with reader.connected() as connection:
        rows = connection.execute(select(of.channel, latest).where(*ours).group_by(of.channel))
        return {row.channel: row.at for row in rows}


def _proofs(
    reader: HistoryReader, standings: Mapping[CheckId, Standing], now: Micros
) -> tuple[frozenset[CheckId], frozenset[CheckId]]:
    """Checks that are proven, and those that an outage holds to what they were; few are edited in one."""
    proven, held = set(), set()
    for check, known in reader.identities().items():
        at = known[-1].proven
        if at is not None and at <= now:  # later: by a clock that was ahead
            proven.add(check)
        elif len(known) > 1 and standings.get(check, Standing(State.UP)).state in (State.DOWN, State.UNKNOWN):
            ledger = reader.transitions(check=check).get(check, [])
            if counts(ledger, proofs(known, ledger), now):
                held.add(check)
    return frozenset(proven), frozenset(held)


def _standings(
    reader: HistoryReader, incidents: tuple[Incident, ...], latest: Mapping[CheckId, Transition]
) -> dict[CheckId, Standing]:
    good = {(i.id, p.check) for i in incidents for p in i.problems if p.left is not None or p.state is State.UP}
    of_nodes = (i for i in incidents if i.kind is IncidentKind.NODE)
    troubled = {check for i in of_nodes for check in i.members if (i.id, check) not in good}
    last, entries = reader.last_started(), reader.entries()
    standings = {
        check: _standing(latest.get(check), entries.get(check), intervals[-1].start, last.get(check), check in troubled)
        for check, intervals in reader.watched().items()
        if intervals[-1].end == FOREVER
    }
    return {
        check: standing._replace(seen=_seen(reader, latest[check])) if _is_gone(standing) else standing
        for check, standing in standings.items()
    }


def _is_gone(standing: Standing) -> bool:
    """Whether it is absent, or degraded because it should be on."""
    return standing.state is State.ABSENT or standing.reason is Reason.ABSENT


def _seen(reader: HistoryReader, latest: Transition) -> Micros | None:
    """When a node that is gone was last there, as far as the ledger shows it without a gap."""
    if latest.before in (State.UP, State.DOWN):
        return latest.last_before
    seen, is_missed = None, False
    for transition in reader.transitions(check=latest.check).get(latest.check, []):
        if transition.after is State.ABSENT and not is_missed:
            seen = None if transition.before is State.UNKNOWN else transition.last_before
        is_missed = transition.reason is Reason.ABSENT
    return seen


def _standing(
    transition: Transition | None, entry: Transition | None, watched: Micros, last: Micros | None, troubled: bool
) -> Standing:
    if transition is None:
        return Standing(State.UNKNOWN, watched, Reason.NOT_MEASURED, troubled, last)
    is_other_class = transition.before is State.DOWN is transition.after
    down_since = entry.since if entry is not None and is_other_class else None
    standing = Standing(transition.after, transition.since, transition.reason, troubled, last)
    return standing._replace(down_since=down_since)
