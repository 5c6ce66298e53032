"""It is outside of the hours in which the channel may be paged of this, or the opening is not long enough ago."""

from __future__ import annotations

from pacs_monitor.alerting import digests, hours
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event

RANK = 60
WHY = digests.WHY
MEANING = "outside of the route's or the check's `calendar`, or within its `opening_grace`; the detail names it"
UNTIL = "the calendar has opened and its `opening_grace` is over, and it still fails"


def suppress(turn: Turn, _subject: Subject, _event: Event, _channel: str, target: Target) -> Reply | None:
    ready = hours.pages_from(target.attended, turn.at)
    if ready <= turn.at:
        return None
    opening = hours.next_opening(target.attended, turn.at)
    return Reply(WHY, hours.names(target.attended), ready, ready if opening is None else opening)
