"""The digest of a channel: at its opening, what began and ended outside of its hours, and what is still open.

A notification that waits for an opening plans the digest of its channel. Whatever waited and ended is kept for it, over
a restart too. The digest counts as a reminder of what it names. Where there is nothing to say, nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from immutables import Map
from pydantic import TypeAdapter

from pacs_monitor.alerting import fallbacks, hours
from pacs_monitor.alerting.hours import Attended
from pacs_monitor.alerting.situation import Digest, Missed, Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.turn import OwedDigest, Turn
from pacs_monitor.model import TROUBLE, DeliveryStatus, Incident, Micros, Paging
from pacs_monitor.model import Event as Said

WHY = "calendar"
"""What is recorded of notifications that wait for an opening."""
WAKE = "digest:"
"""Wakes that begin so look at the digest of a channel."""
_INCIDENT: TypeAdapter[Incident] = TypeAdapter(Incident)


def plan(turn: Turn, channel: str, at: Micros) -> None:
    """A digest of this channel comes then, unless one comes before."""
    digest = turn.now.digests.get(channel)
    if digest is None or at < digest.at:
        missed = Map[str, Missed]() if digest is None else digest.missed
        turn.put(digests=(channel, Digest(at, missed)))
        turn.note("digest", channel, {"at": at})
        turn.wake(f"{WAKE}{channel}", at)


def look_again(turn: Turn, subject: Subject, channel: str, reply: Reply) -> None:
    """When the reason no longer holds; where it only waits for an opening, the digest of then tells of it."""
    if reply.until is not None:
        turn.wake(subject.incident.id, reply.until)
    if reply.opening is not None:
        plan(turn, channel, reply.opening)


def ended(turn: Turn, subject: Subject, incident: Incident) -> None:
    """An incident is over: the channels for which it waited hear of it in their digests."""
    for (said, channel), held in subject.suppressed.items():
        digest = turn.now.digests.get(channel)
        if said is Said.OPENED and held.why == WHY and digest is not None:
            missed = Missed(incident, _is_shadow(turn, subject, channel))
            turn.put(digests=(channel, replace(digest, missed=digest.missed.set(incident.id, missed))))
            data = {
                "channel": channel,
                "incident": _INCIDENT.dump_python(incident, mode="json"),
                "shadow": missed.shadow,
            }
            turn.note("missed", f"{channel} {incident.id}", data)


def send_due(turn: Turn) -> None:
    """Owe every digest whose time has come."""
    for channel, digest in sorted(turn.now.digests.items()):
        if digest.at <= turn.at:
            turn.drop(digests=channel)
            turn.note("digest", channel, None)
            for identity in digest.missed:
                turn.note("missed", f"{channel} {identity}", None)
            if channel in turn.rules.channels:
                _send(turn, channel, digest)


def wake_all(turn: Turn) -> None:
    """The clock was set, or the monitor has just started: a promised time of day stays what it is."""
    for channel, digest in turn.now.digests.items():
        turn.wake(f"{WAKE}{channel}", digest.at)


def restored(planned: Mapping[str, Mapping[str, Any]], missed: Mapping[str, Mapping[str, Any]]) -> Map[str, Digest]:
    """The digests to come, as their notes have them."""
    kept: dict[str, dict[str, Missed]] = {}
    for data in missed.values():
        incident = _INCIDENT.validate_python(data["incident"])
        kept.setdefault(data["channel"], {})[incident.id] = Missed(incident, data["shadow"])
    return Map({channel: Digest(data["at"], Map(kept.get(channel, {}))) for channel, data in planned.items()})


def _send(turn: Turn, channel: str, digest: Digest) -> None:
    waiting = {subject.incident.id: _attended(turn, subject, channel) for subject in _waiting(turn, channel)}
    if not digest.missed and all(hours.pages_from(ways, turn.at) <= turn.at for ways in waiting.values()):
        return  # without a grace, whatever waits says now itself that it is open
    still_open = [one for one in _subjects(turn) if one.incident.id in waiting or _is_told(one, channel)]
    for shadow in (False, True):
        over = [one.incident for one in digest.missed.values() if one.shadow is shadow]
        going_on = [one.incident for one in still_open if _is_shadow(turn, one, channel) is shadow]
        if over or going_on:
            status = DeliveryStatus.SHADOW if shadow else DeliveryStatus.PENDING
            told = OwedDigest(turn.identity(), channel, status, turn.at, _by_age(over), _by_age(going_on))
            turn.effects.digests.append(told)
    for subject in still_open:
        if channel in subject.notified:
            turn.notify(subject, subject.notified[channel].changed(at=turn.at))
        turn.touch([subject.incident.id])
    for ways in waiting.values():  # what ends within its opening grace is in the next one
        opening = hours.next_opening(ways, turn.at)
        if opening is not None:
            plan(turn, channel, opening)


def _subjects(turn: Turn) -> Iterator[Subject]:
    return iter(sorted(turn.now.subjects.values(), key=Subject.age))


def _waiting(turn: Turn, channel: str) -> Iterator[Subject]:
    """Those of which something waits for the opening."""
    for subject in _subjects(turn):
        if any(on == channel and held.why == WHY for (_, on), held in subject.suppressed.items()):
            yield subject


def _attended(turn: Turn, subject: Subject, channel: str) -> list[Attended]:
    routed = turn.rules.targets(subject.incident, turn.now, every=True)
    target = fallbacks.added(turn.rules, subject, routed).get(channel)
    return [] if target is None else target.attended


def _is_told(subject: Subject, channel: str) -> bool:
    """Whether the channel knows of it, and it is still in trouble."""
    sent = subject.notified.get(channel)
    return sent is not None and not sent.refused and subject.incident.state in TROUBLE


def _is_shadow(turn: Turn, subject: Subject, channel: str) -> bool:
    if channel in subject.notified:
        return subject.notified[channel].shadow
    return turn.rules.paging(subject.incident) is Paging.SHADOW


def _by_age(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    return tuple(sorted(incidents, key=lambda incident: (incident.noticed, incident.id)))
