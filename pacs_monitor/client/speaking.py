"""What is said to the daemon; every word is in its audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pacs_monitor import api
from pacs_monitor.client.reading import report_path
from pacs_monitor.client.transport import Transport, part, query_of, words_of

FROZEN_WITHIN = 300.0
"""Seconds more for a report that is made, printed and kept."""
TESTED_WITHIN = 120.0
"""Seconds more for a test of a channel, beyond the time that it stays open."""
Match = Mapping[str, str | list[str]]
"""Which checks: `{"node": "archive"}`; keys as of `match` in the configuration."""
Verb = Literal["approve", "distributed", "action"]
"""What is said of a frozen report."""


class Speaking(Transport):
    """Words take `by` (who speaks; without it the token's name) and `why`, as on the command line."""

    def acknowledge(
        self,
        incident: str,
        *,
        for_: str | None = None,
        until: str | None = None,
        ticket: str | None = None,
        by: str | None = None,
        why: str | None = None,
    ) -> api.Said:
        """Somebody deals with it: reminders and escalation stop, its end is still notified."""
        return self._say(incident, "ack", for_=for_, until=until, ticket=ticket, by=by, why=why)

    def note(
        self,
        incident: str,
        text: str,
        *,
        public: bool = False,
        next_update: str | None = None,
        by: str | None = None,
    ) -> api.Said:
        """Note something; `public`: for the users of the imaging estate, too."""
        return self._say(incident, "note", text=text, public=public or None, next_update=next_update, by=by)

    def close(self, incident: str, *, by: str | None = None, why: str | None = None) -> api.Said:
        """Close an incident of which nothing is measured to fail."""
        return self._say(incident, "close", by=by, why=why)

    def _say(self, incident: str, verb: str, **words: Any) -> api.Said:
        found: api.Said = self._post(f"/api/v1/incidents/{part(incident)}/{verb}", words_of(words))
        return found

    def state(
        self,
        incident: str,
        what: str | None = None,
        *,
        at: str | None = None,
        retract: bool = False,
        ticket: str | None = None,
        responsible: str | None = None,
        standing: Literal["agreed", "disputed"] | None = None,
        counts: str | None = None,
        by: str | None = None,
        why: str | None = None,
    ) -> api.EvidenceSaid:
        """State when the vendor was called, responded, restored …, for the report that both sides sign."""
        said = {"what": what, "at": at, "retract": retract or None, "ticket": ticket, "responsible": responsible}
        words = said | {"standing": standing, "counts": counts, "by": by, "why": why}
        found: api.EvidenceSaid = self._post(f"/api/v1/incidents/{part(incident)}/evidence", words_of(words))
        return found

    def declare(
        self,
        *,
        from_: str,
        evidence: str,
        to: str | None = None,
        node: str | None = None,
        service: str | None = None,
        by: str | None = None,
    ) -> api.DeclaredSaid:
        """Declare an outage of a node or a service that no probe could see."""
        words = {"from_": from_, "to": to, "node": node, "service": service, "evidence": evidence, "by": by}
        found: api.DeclaredSaid = self._post("/api/v1/incidents", words_of(words))
        return found

    def plan(
        self,
        *,
        match: Match | None = None,
        all_: bool = False,
        for_: str | None = None,
        until: str | None = None,
        start: str | None = None,
        name: str | None = None,
        probing: Literal["continue", "read_only", "stop"] | None = None,
        announced: str | None = None,
        notify: str | None = None,
        by: str | None = None,
        why: str | None = None,
    ) -> api.WindowSaid:
        """Plan maintenance: nobody is paged for its checks. `all_`: every check of the monitor."""
        which = {"match": match, "all": all_ or None, "for_": for_, "until": until, "start": start, "name": name}
        words = which | {"probing": probing, "announced": announced, "notify": notify, "by": by, "why": why}
        found: api.WindowSaid = self._post("/api/v1/maintenance", words_of(words))
        return found

    def extend(
        self,
        window: str,
        *,
        for_: str | None = None,
        until: str | None = None,
        by: str | None = None,
        why: str | None = None,
    ) -> api.WindowSaid:
        """A window lasts longer: `for_` counts from its planned end."""
        words = words_of({"for_": for_, "until": until, "by": by, "why": why})
        found: api.WindowSaid = self._post(f"/api/v1/maintenance/{part(window)}/extend", words)
        return found

    def end(self, window: str, *, by: str | None = None, why: str | None = None) -> api.WindowSaid:
        """End a window now, or call one off that has not begun."""
        found: api.WindowSaid = self._delete(f"/api/v1/maintenance/{part(window)}", words_of({"by": by, "why": why}))
        return found

    def count(
        self, window: str, counts: Literal["yes", "no"], *, by: str | None = None, why: str | None = None
    ) -> api.WindowCounts:
        """State whether downtime in a window counts."""
        words = words_of({"counts": counts, "by": by, "why": why})
        found: api.WindowCounts = self._post(f"/api/v1/maintenance/{part(window)}/counts", words)
        return found

    def pause(
        self,
        *,
        match: Match | None = None,
        all_: bool = False,
        for_: str | None = None,
        until: str | None = None,
        by: str | None = None,
        why: str | None = None,
    ) -> api.PauseSaid:
        """Stop checks for a time, by default 8 h: nothing is asked."""
        words = {"match": match, "all": all_ or None, "for_": for_, "until": until, "by": by, "why": why}
        found: api.PauseSaid = self._post("/api/v1/pause", words_of(words))
        return found

    def resume(
        self,
        *,
        match: Match | None = None,
        all_: bool = False,
        by: str | None = None,
        why: str | None = None,
    ) -> api.Resumed:
        """Run paused checks again."""
        words = words_of({"match": match, "all": all_ or None, "by": by, "why": why})
        found: api.Resumed = self._post("/api/v1/resume", words)
        return found

    def reload(self, *, by: str | None = None, why: str | None = None) -> api.Reload:
        """Have the configuration read again; one with errors changes nothing (MisuseError)."""
        found: api.Reload = self._post("/api/v1/reload", words_of({"by": by, "why": why}))
        return found

    def push(
        self,
        node: str,
        check: str,
        status: Literal["ok", "warn", "fail"] = "ok",
        *,
        seconds: float | None = None,
    ) -> api.Pushed:
        """Report the result of a job to its push check; `seconds`: how long it took."""
        query = query_of({"status": status, "seconds": seconds})
        found: api.Pushed = self._post(f"/api/v1/push/{part(node)}/{part(check)}{query}")
        return found

    def test(
        self,
        channel: str,
        *,
        event: str | None = None,
        open_for: str | None = None,
        by: str | None = None,
        why: str | None = None,
        within: float = TESTED_WITHIN,
    ) -> api.Tried:
        """Send a test notification; `within`: seconds that it may take, with the time that it stays open."""
        words = words_of({"event": event, "open_for": open_for, "by": by, "why": why})
        found: api.Tried = self._post(f"/api/v1/channels/{part(channel)}/test", words, wait=within)
        return found

    def explain(self, day: str, why: str, *, log: str | None = None, by: str | None = None) -> api.ExplanationSaid:
        """Explain a day of the constancy log."""
        words = words_of({"day": day, "why": why, "log": log, "by": by})
        found: api.ExplanationSaid = self._post("/api/v1/constancy/explanations", words)
        return found

    def freeze(self, period: str, *, by: str | None = None, why: str | None = None) -> api.FrozenNow:
        """Freeze the report of a period that is over."""
        words = words_of({"period": period, "by": by, "why": why})
        found: api.FrozenNow = self._post("/api/v1/reports", words, wait=FROZEN_WITHIN)
        return found

    def say_of_report(self, number: str, verb: Verb, **words: str | None) -> api.FrozenReport:
        """Approve a frozen report, record to whom it was given (`to`), or what was agreed (`text`, `owner`, `due`)."""
        found: api.FrozenReport = self._post(f"{report_path(number)}/{verb}", words_of(words))
        return found
