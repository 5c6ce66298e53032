"""The wall clock was set: what waits moves along, so that what was due in a minute still is."""

from __future__ import annotations

from dataclasses import replace

from immutables import Map

from pacs_monitor.alerting import digests, recalled, storms
from pacs_monitor.alerting.flapping import keep
from pacs_monitor.alerting.situation import Behind, Flaps, Site, Situation, Storm
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.alerting.vanished import keep_vanished
from pacs_monitor.model import CheckId, Micros, Unreachable


def clock_set(turn: Turn, step: Micros) -> None:
    """Decide at the time that it is now; what the record has of the times that moved is written anew."""
    before, turn.at = turn.before, turn.before + step
    turn.now = _shifted(turn.now, turn.at, step)
    for subject in list(turn.now.subjects.values()):
        for sent in subject.notified.values():
            turn.effects.notified[sent.incident, sent.channel] = sent
        if subject.differs is not None:
            turn.note("differs", subject.incident.id, {"since": subject.differs})
        if subject.escalation is not None:
            turn.note("escalation", subject.incident.id, subject.escalation.as_data())
        turn.keep(subject)
    _note_again(turn)
    digests.wake_all(turn)
    for check, behind in list(turn.now.behind.items()):
        _redate(turn, check, behind, step, before)


def _note_again(turn: Turn) -> None:
    """What the record has of single checks, channels and sites."""
    for cause, known in turn.now.recalled.items():
        recalled.keep(turn, cause, known)
    for check, asked in list(turn.now.asked.items()):
        turn.expect(check, asked)
    for check, flaps in list(turn.now.flaps.items()):
        keep(turn, check, flaps)
    for check, overrun in turn.now.overran.items():
        turn.note("overrun", str(check), overrun._asdict())
    for channel, storm in list(turn.now.storms.items()):
        storms.keep(turn, channel, storm)
    for name, site in turn.now.sites.items():
        if site.suspect_until:
            turn.note("site", name, {"suspect_until": site.suspect_until})
        keep_vanished(turn, name, site)
        if site.cut is not None:
            turn.note("cut", name, {"since": site.cut})


def _shifted(now: Situation, at: Micros, step: Micros) -> Situation:
    def moved(moment: Micros | None) -> Micros | None:
        return None if moment is None else moment + step

    return replace(
        now,
        at=at,
        subjects=Map({identity: subject.shifted(step) for identity, subject in now.subjects.items()}),
        standings=Map(
            {
                check: one._replace(since=one.since + step, last_before=moved(one.last_before))
                for check, one in now.standings.items()
            }
        ),
        unknown=Map({check: replace(one, since=one.since + step) for check, one in now.unknown.items()}),
        asked=Map(
            {check: one._replace(until=one.until + step, since=one.since + step) for check, one in now.asked.items()}
        ),
        flaps=Map(
            {
                check: Flaps(tuple(m + step for m in one.failures), moved(one.since), one.last + step)
                for check, one in now.flaps.items()
            }
        ),
        storms=Map({channel: _shifted_storm(one, step) for channel, one in now.storms.items()}),
        sites=Map({name: _shifted_site(site, step) for name, site in now.sites.items()}),
        overran=Map(
            {check: one._replace(ended=one.ended + step, due=one.due + step) for check, one in now.overran.items()}
        ),
        failing=Map({channel: (since + step, why) for channel, (since, why) in now.failing.items()}),
        recalled=Map({cause: one._replace(ended=one.ended + step) for cause, one in now.recalled.items()}),
    )


def _shifted_storm(storm: Storm, step: Micros) -> Storm:
    opened = tuple(moment + step for moment in storm.opened)
    decided_at, last = (moment and moment + step for moment in (storm.decided_at, storm.last))
    return Storm(opened, storm.waiting, decided_at, last)


def _shifted_site(site: Site, step: Micros) -> Site:
    return replace(
        site,
        unreachable=Map({node: since + step for node, since in site.unreachable.items()}),
        suspect_until=site.suspect_until and site.suspect_until + step,
        vanished=tuple((moment + step, check) for moment, check in site.vanished),
        cut=None if site.cut is None else site.cut + step,
    )


def _redate(turn: Turn, check: CheckId, behind: Behind, step: Micros, before: Micros) -> None:
    """The span as recorded ends when the clock was set, and goes on from then in the new time, without a gap: the
    ledger is not redated.
    """
    anew = behind._replace(since=min(behind.since + step, before))
    if anew == behind:
        return
    turn.put(behind=(check, anew))
    turn.note("behind", str(check), anew._asdict())
    turn.effects.unreachable.append(Unreachable(check, *behind, max(before, behind.since)))
    turn.effects.unreachable.append(Unreachable(check, *anew, None))
