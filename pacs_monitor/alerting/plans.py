"""What people have planned, as it stands: windows, pauses, what is in maintenance, and what the engine must not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pacs_monitor.alerting.pauses import checks_of
from pacs_monitor.alerting.planned import AHEAD
from pacs_monitor.alerting.restrictions import restrictions
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Calendar
from pacs_monitor.alerting.timeline import Timeline
from pacs_monitor.config.estate import Estate
from pacs_monitor.model import CheckId, Clock, Restriction
from pacs_monitor.rota import OnCall
from pacs_monitor.supervision import Supervisor
from pacs_monitor.windows import Pause, Window

Restrict = Callable[[Mapping[CheckId, Restriction]], None]


class Plans:
    """A view of the desk's situation."""

    def __init__(self, timeline: Timeline, clock: Clock, supervisor: Supervisor) -> None:
        self._timeline, self._clock, self._supervisor = timeline, clock, supervisor
        self.restrict: Restrict = lambda _given: None
        """Called with all that checks must not do, whenever any of it changes."""
        self._told = timeline.situation.windows, timeline.situation.pauses, timeline.rules

    def look(self) -> None:
        """Tell the engine at once, if anything has changed."""
        situation = self._timeline.situation
        now = situation.windows, situation.pauses, self._timeline.rules
        if any(one is not before for one, before in zip(now, self._told, strict=True)):
            self._told = now
            given = restrictions(situation, self._timeline.rules, self._clock.now())
            self._supervisor.attempt("restrictions", self.restrict, given)

    def restrictions(self, estate: Estate) -> dict[CheckId, Restriction]:
        """What the checks of a configuration must not do now."""
        return restrictions(self._timeline.situation, Rules(estate), self._clock.now())

    def windows(self) -> list[Window]:
        """Those that are not over: what people have said, and a year of what the configuration has."""
        now, known = self._clock.now(), self._timeline.situation.windows
        ahead = self._timeline.rules.planned.between(now, now + AHEAD)
        windows = [*(held.window for held in known.values()), *(one for one in ahead if one.id not in known)]
        return sorted((one for one in windows if one.end > max(now, one.start)), key=lambda one: (one.start, one.id))

    def calendars(self) -> Mapping[str, Calendar]:
        """The calendars of changes, by name, as they were last read."""
        return self._timeline.situation.calendars

    def pauses(self) -> list[tuple[Pause, list[CheckId]]]:
        """Those that hold, each with the checks that it holds."""
        rules, every = self._timeline.rules, self._timeline.situation.pauses.values()
        return [(one, sorted(checks_of(one, rules))) for one in sorted(every, key=lambda one: (one.until, one.id))]

    def oncalls(self) -> Mapping[str, OnCall]:
        """The rotas that are in force, by name."""
        return self._timeline.rules.oncalls

    def maintenance_of(self, check: CheckId) -> Window | None:
        """The window that a check is in."""
        situation = self._timeline.situation
        cover = situation.covered.get(check)
        held = None if cover is None else situation.windows.get(cover.window)
        return None if held is None else held.window
