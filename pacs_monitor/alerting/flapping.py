"""Checks that fail and recover again and again: one incident, which stays open for as long as that goes on.

Theory of operation. A check flaps from its fifth failure within an hour on, until it has not changed its state for half
an hour. A failure begins it, never a recovery. Its incident stays open over its recoveries; a channel is notified once
that it flaps, and not of each turn. It suppresses nothing: a page that is due goes out as soon as the check fails.
"""

from __future__ import annotations

from pacs_monitor.alerting.situation import Flaps
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import SECOND, CheckId, Micros

FAILURES = 5
WITHIN = 3600 * SECOND
CALM_AFTER = 1800 * SECOND
FLAPPING = "flapping:"
"""Wakes that begin so look whether a check still flaps."""


def changed(turn: Turn, check: CheckId, *, fails: bool) -> None:
    """A check changed its state; `fails` if it was up before, or recovered since it last failed."""
    flaps = turn.now.flaps.get(check, Flaps())
    if fails:
        recent = [moment for moment in flaps.failures if moment > turn.at - WITHIN]
        flaps = flaps._replace(failures=(*recent, turn.at)[-FAILURES:])
        if flaps.since is None and len(flaps.failures) == FAILURES:
            flaps = flaps._replace(since=turn.at)
    if flaps.since is not None:
        flaps = flaps._replace(last=turn.at)
        turn.wake(f"{FLAPPING}{check}", turn.at + CALM_AFTER)
    if flaps != turn.now.flaps.get(check, Flaps()):
        keep(turn, check, flaps)


def since(turn: Turn, check: CheckId) -> Micros | None:
    """Since when a check flaps; None if it does not."""
    return turn.now.flaps.get(check, Flaps()).since


def is_over(turn: Turn, check: CheckId) -> bool:
    """Whether a check that flapped has been calm for long enough; else it is looked at again when it may have been."""
    flaps = turn.now.flaps.get(check, Flaps())
    if flaps.since is None:
        return False
    if flaps.last + CALM_AFTER > turn.at:
        turn.wake(f"{FLAPPING}{check}", flaps.last + CALM_AFTER)
        return False
    keep(turn, check, None)
    return True


def keep(turn: Turn, check: CheckId, flaps: Flaps | None) -> None:
    """Remember it, also over a restart; None forgets it."""
    if flaps is None:
        turn.drop(flaps=check)
    else:
        turn.put(flaps=(check, flaps))
    turn.note("flaps", str(check), None if flaps is None else flaps._asdict())
