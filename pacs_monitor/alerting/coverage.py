"""Which checks are in maintenance, since when, and what follows: spans for the account, and whose pages rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pacs_monitor.alerting import sites
from pacs_monitor.alerting.situation import Cover, Overrun
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import (
    SECOND,
    TROUBLE,
    CheckId,
    Incident,
    IncidentKind,
    Maintained,
    Micros,
    Notified,
    Problem,
    State,
)
from pacs_monitor.windows import Window


def cover(turn: Turn, windows: Sequence[Window]) -> None:
    """Exactly the checks of these windows are in maintenance from now on; of several, in the one that ends last."""
    wanted: dict[CheckId, Window] = {}
    for window in sorted(windows, key=lambda window: (window.end, window.id)):
        wanted |= dict.fromkeys(turn.rules.covered(window.match), window)
    changed = []
    for check, known in sorted(turn.now.covered.items()):
        now = wanted.get(check)
        if now is None or now.id != known.window:
            _leave(turn, check, known, goes_on=now is not None)
            changed.append(check)
    for check in sorted(wanted.keys() - turn.now.covered.keys()):
        _enter(turn, check, wanted[check])
        changed.append(check)
    _look(turn, changed)


def failing(turn: Turn, checks: Iterable[CheckId]) -> tuple[CheckId, ...]:
    """Those that are degraded or down."""
    standings = turn.now.standings
    return tuple(sorted(check for check in checks if check in standings and standings[check].state in TROUBLE))


def recovered(turn: Turn, check: CheckId) -> None:
    """What it had overrun no longer matters."""
    if check in turn.now.overran:
        turn.drop(overran=check)
        turn.note("overrun", str(check), None)


def forget_unwatched(turn: Turn) -> None:
    """Checks that left the estate."""
    for check in [check for check in turn.now.overran if check not in turn.rules.checks]:
        recovered(turn, check)


def rests(turn: Turn, problems: Sequence[Problem]) -> tuple[str, Micros] | None:
    """What maintenance these problems rest in, and until when at the least; None if one of them does not.

    Those that are in trouble count, or all if none is. A problem rests as long as its window lasts, and `page_after`
    from there.
    """
    found = [_rest(turn, problem.check) for problem in trouble(problems)]
    resting = [one for one in found if one is not None]
    return min(resting, key=lambda one: one[1]) if resting and len(resting) == len(found) else None


def trouble(problems: Sequence[Problem]) -> list[Problem]:
    """Those that are degraded or down; all, if none is."""
    return [problem for problem in problems if problem.state in TROUBLE] or list(problems)


def whole(turn: Turn, incident: Incident) -> tuple[str, Micros] | None:
    """The same for an incident that is not of kind node: all of its members are in maintenance."""
    found = [_rest(turn, member) for member in incident.members if member in turn.now.covered]
    resting = [one for one in found if one is not None]
    return min(resting, key=lambda one: one[1]) if resting and len(resting) == len(incident.members) else None


def overrun(turn: Turn, incident: Incident) -> Overrun | None:
    """The maintenance that was over last, of those that its members have overrun."""
    found = (turn.now.overran.get(problem.check) for problem in incident.in_trouble)
    return max((one for one in found if one is not None), key=lambda one: one.ended, default=None)


def is_overdue(turn: Turn, incident: Incident, sent: Notified) -> bool:
    """Whether its maintenance is over since a channel was notified of it last, and it still fails."""
    return any(sent.at < due <= turn.at for due in _overdue(turn, incident))


def look_when_over(turn: Turn, incident: Incident) -> None:
    """Wake when people are told that it still fails."""
    for due in _overdue(turn, incident):
        if due > turn.at:
            turn.wake(incident.id, due)


def _overdue(turn: Turn, incident: Incident) -> Iterable[Micros]:
    """Of each maintenance that its members have overrun: when `page_after` is over first, as once is enough."""
    if incident.kind is not IncidentKind.NODE:
        return ()
    first: dict[Micros, Micros] = {}
    for problem in incident.in_trouble:
        if (after := turn.now.overran.get(problem.check)) is not None:
            first[after.ended] = min(after.due, first.get(after.ended, after.due))
    return first.values()


def _rest(turn: Turn, check: CheckId) -> tuple[str, Micros] | None:
    known, after = turn.now.covered.get(check), turn.now.overran.get(check)
    held = None if known is None else turn.now.windows.get(known.window)
    if held is not None:
        return held.window.name, held.window.end + _page_after(turn, check)
    return (after.name, after.due) if after is not None and after.due > turn.at else None


def _page_after(turn: Turn, check: CheckId) -> Micros:
    known = turn.rules.checks.get(check)
    return 0 if known is None else round(known.page_after * SECOND)


def _enter(turn: Turn, check: CheckId, window: Window) -> None:
    turn.put(covered=(check, Cover(window.id, turn.at)))
    turn.effects.maintained.append(Maintained(check, window.id, turn.at, None, window.name, window.announced))
    recovered(turn, check)


def _leave(turn: Turn, check: CheckId, known: Cover, *, goes_on: bool) -> None:
    held = turn.now.windows.get(known.window)
    ended = turn.at if held is None else min(turn.at, held.window.end)
    name, announced = ("", None) if held is None else (held.window.name, held.window.announced)
    until = max(known.since, ended)
    turn.effects.maintained.append(Maintained(check, known.window, known.since, until, name, announced))
    turn.drop(covered=check)
    standing = turn.now.standings.get(check)
    is_unsure = standing is not None and standing.state is State.UNKNOWN
    if not goes_on and check in turn.rules.checks and (check in turn.now.by_check or is_unsure):
        after = Overrun(name, ended, ended + _page_after(turn, check))
        turn.put(overran=(check, after))
        turn.note("overrun", str(check), after._asdict())


def _look(turn: Turn, changed: Sequence[CheckId]) -> None:
    """Whatever may be said, or no longer be said, of these."""
    if not changed:
        return
    turn.touch(sorted({turn.now.by_check[check] for check in changed if check in turn.now.by_check}))
    sites.maintained(turn, changed)
    for kind in (IncidentKind.BLIND, IncidentKind.GROUP):
        turn.touch(subject.incident.id for subject in turn.of(kind))
