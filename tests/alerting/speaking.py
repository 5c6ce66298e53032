"""The state machine of alerting with what people say among its steps: they acknowledge, note and close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.alerting.words import Acknowledge, Close, Remark
from pacs_monitor.model import SECOND, TROUBLE, Ending, IncidentKind, Problem
from pacs_monitor.model import Event as Said
from tests.alerting.machine import Machine

FOR = (None, 1, 60, 600, 3700, 30 * 3600)
"""Seconds that an acknowledgement holds."""
LASTS = 8 * 3600


class Speaking(Machine):
    """More steps, and what must hold with them."""

    words = 0
    """Of all runs of this process, those that were accepted."""

    @precondition(lambda self: self.cut.situation.subjects)
    @rule(data=st.data(), seconds=st.sampled_from(FOR), ticket=st.sampled_from(["", "4711"]))
    def somebody_acknowledges(self, data: st.DataObject, seconds: int | None, ticket: str) -> None:
        until = None if seconds is None else self.now + seconds * SECOND
        self._say(data, Acknowledge("", "it-duty", "vendor called", until, ticket))

    @precondition(lambda self: self.cut.situation.subjects)
    @rule(data=st.data(), public=st.booleans())
    def somebody_notes(self, data: st.DataObject, public: bool) -> None:
        self._say(data, Remark("", "it-duty", "vendor called", public))

    @precondition(lambda self: self.cut.situation.subjects)
    @rule(data=st.data())
    def somebody_closes(self, data: st.DataObject) -> None:
        self._say(data, Close("", "it-duty"))

    @rule()
    def a_night_passes(self) -> None:
        for _ in range(LASTS // 1800 + 1):
            self.time_passes(1800)

    @invariant()
    def an_acknowledgement_has_an_end_that_is_to_come(self) -> None:
        for subject in self.cut.situation.subjects.values():
            said = subject.incident.acknowledgement
            assert said is None or said.until > self.now

    @invariant()
    def what_is_worse_than_people_know_pages_and_takes_the_acknowledgement_back(self) -> None:
        for subject in self.cut.situation.subjects.values():
            incident, said = subject.incident, subject.incident.acknowledgement
            due = [problem for problem in incident.in_trouble if problem.due <= self.now]
            if incident.kind is not IncidentKind.NODE or not due or self._waits(subject):
                continue
            worst = min(problem.severity.badness for problem in due)
            for channel, sent in subject.notified.items():
                waits = (Said.CHANGED, channel) in subject.suppressed or self._rests(due)
                if not (waits or sent.refused) and channel in self.estate.channels:
                    said_there = min(owed.incident.severity.badness for owed in self.lanes[incident.id, channel])
                    assert max(sent.severity.badness, said_there) <= worst
            assert said is None or said.severity.badness <= worst

    def _rests(self, problems: Sequence[Problem]) -> bool:
        """In maintenance, or not yet long enough after it: whatever is worse by then is said then."""
        covered, overran = self.cut.situation.covered, self.cut.situation.overran
        return all(p.check in covered or (p.check in overran and overran[p.check].due > self.now) for p in problems)

    def _waits(self, subject: Subject) -> bool:
        """For fresh results, of its checks or of others."""
        situation = self.cut.situation
        waits = [asked.until for asked in situation.asked.values()]
        waits += [site.suspect_until for site in situation.sites.values()]
        return max(waits, default=0) > self.now

    def _say(self, data: st.DataObject, word: Acknowledge | Remark | Close) -> None:
        subjects = self.cut.situation.subjects
        subject = subjects[data.draw(st.sampled_from(sorted(subjects)))]
        twin = self.twin(subject)
        if twin is None:
            return
        before = len(self.cut.unwritten)
        self.happen(self.cut, replace(word, incident=subject.incident.id))
        decided = next(one for one in self.cut.unwritten[before:] if type(one.event.what) is type(word))
        refusal = decided.effects.refusal
        Speaking.words += refusal is None
        if isinstance(word, Close):
            failing = any(problem.state in TROUBLE for problem in subject.incident.active)
            closes = subject.incident.id not in self.cut.situation.subjects
            assert closes == (refusal is None)
            assert not (failing and closes), "what is measured to fail is not closed"
            if closes:
                assert self.ended[subject.incident.id] is Ending.CLOSED
        if refusal is not None:
            assert decided.effects.is_empty, "what is refused changes nothing"
        self.happen(self.whole, replace(word, incident=twin.incident.id))

    def _remember(self, decided: Decided) -> None:
        super()._remember(decided)
        for owed in decided.effects.owed:
            quiet = owed.event in (Said.REMINDED, Said.ESCALATED) or (owed.event is Said.CHANGED and owed.worse)
            assert not (quiet and owed.incident.acknowledgement), "nobody is paged or reminded while acknowledged"
