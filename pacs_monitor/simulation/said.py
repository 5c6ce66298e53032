"""What people say in a scenario, as the words that alerting decides; and what a pause does to the checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pacs_monitor.alerting.words import Extend, Finish, Hold, Plan, Resume, Word
from pacs_monitor.config import Estate
from pacs_monitor.config.matching import covers, nothing_matches
from pacs_monitor.fields import Match
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, CheckId, Micros, Reason, State
from pacs_monitor.simulation.steps import Step
from pacs_monitor.simulation.world import Move
from pacs_monitor.windows import Pause, Window, occurrence


class Said:
    """Takes the steps in order of time."""

    def __init__(self, estate: Estate, start: Micros) -> None:
        self._estate, self._start = estate, start
        self._windows: dict[str, Window] = {}
        """By name, as they stand."""
        self._paused: dict[CheckId, list[Interval]] = {}
        self.words: list[tuple[Micros, Word]] = []

    def take(self, step: Step) -> str:
        """What somebody says in a step, if anything; what is wrong with it."""
        at = self._start + round(step.at * SECOND)
        longer = round(step.for_ * SECOND)
        if step.maintenance is not None:
            return self._plan(step, at)
        if step.extend or step.end:
            return self._change(step, at, longer)
        if step.pause or step.resume:
            return self._hold(step, at, longer)
        return ""

    def moves(self, moves: Iterable[Move]) -> tuple[Move, ...]:
        """Those of the checks, where a paused check is unknown, and then as it would have been."""
        by_check: dict[CheckId, list[Move]] = {check: [] for check in self._paused}
        for move in moves:
            by_check.setdefault(move.check, []).append(move)
        return tuple(move for check, of_check in by_check.items() for move in self._of_check(check, of_check))

    def _of_check(self, check: CheckId, moves: list[Move]) -> Iterator[Move]:
        paused = self._paused.get(check, [])
        yield from (move for move in moves if not any(one.start <= move.at < one.end for one in paused))
        for one in paused:
            before = [move for move in moves if move.at < one.end]
            then = before[-1] if before else Move(one.end, check, State.UP)
            yield Move(one.start, check, State.UNKNOWN, Reason.PAUSED)
            yield then._replace(at=one.end, since=one.end)

    def _plan(self, step: Step, at: Micros) -> str:
        planned = step.maintenance
        if planned is None or not self._covered(planned.match):
            return nothing_matches(planned.match, self._estate.checks) if planned else ""
        start = at + round(planned.start * SECOND)
        end = start + round(planned.for_ * SECOND)
        identity = occurrence(planned.name, planned.match, start)
        window = Window(
            identity, planned.name, planned.match, start, end, by=step.by, why=step.why, notify=planned.notify
        )
        self._windows[planned.name] = window
        self.words.append((at, Plan(window)))
        return ""

    def _change(self, step: Step, at: Micros, longer: Micros) -> str:
        name = step.extend or step.end
        window = self._windows.get(name)
        if window is None:
            return f"no window {name!r} is planned before; there are: {', '.join(self._windows) or 'none'}"
        if step.end:
            self.words.append((at, Finish(window.id, step.by, step.why)))
            return ""
        self._windows[name] = window.changed(end=window.end + longer)
        self.words.append((at, Extend(window.id, step.by, window.end + longer, step.why)))
        return ""

    def _hold(self, step: Step, at: Micros, longer: Micros) -> str:
        node, _, check = (step.pause or step.resume).partition("/")
        match = Match(node=(node,), check=(check,) if check else ())
        checks = self._covered(match)
        if not checks:
            return nothing_matches(match, self._estate.checks)
        if step.resume:
            self.words.append((at, Resume(match, step.by, step.why)))
            for one in checks:
                self._paused[one] = [_cut(span, at) for span in self._paused.get(one, [])]
            return ""
        identity = occurrence(step.pause, match, at)
        self.words.append((at, Hold(Pause(identity, match, step.by, at, at + longer, step.why))))
        for one in checks:
            self._paused.setdefault(one, []).append(Interval(at, at + longer))
        return ""

    def _covered(self, match: Match) -> list[CheckId]:
        return [check.id for check in self._estate.checks.values() if covers(match, check)]


def _cut(span: Interval, at: Micros) -> Interval:
    return Interval(span.start, min(span.end, at)) if span.start <= at else span
