"""What a check remembers of a queue from run to run: how it grew, since when it stands still, what failed of late.

Each answer of a system is a moment; these need two and more. All of it is JSON, and bounded: the past is cut into sixty
steps, whatever the interval. A clock that was set back makes nothing older or newer than it can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pacs_monitor.systems.shared.resources import Queue

STEPS = 60
"""How finely the past is remembered."""
SHORTEST = 60.0
"""Seconds of a step at least."""
Past = Sequence[Sequence[float]]
"""When, in seconds, and how many."""


class Backlog(NamedTuple):
    lengths: Past = ()
    """The fewest of each step, while growth is asked for."""
    stuck_since: float | None = None
    """Since when items wait, nothing is in progress, and none has left."""
    failed: int | None = None
    """The count at the last run."""
    failures: Sequence[str] | None = None
    """The failed items at the last run."""
    news: Past = ()
    """How many items failed."""
    length: int = 0
    """At the last run."""
    oldest: float | None = None
    """At the last run."""

    def followed(self, queue: Queue, now: float, growth_within: float | None, failed_within: float) -> Backlog:
        """After one more answer; growth is followed where a time is given, and what is not reported changes nothing."""
        length = self.length if queue.length is None else queue.length
        return Backlog(
            lengths=() if growth_within is None else self._lengths(queue, growth_within, now),
            stuck_since=self.stuck_since if queue.length is None else self._stuck_since(queue, length, now),
            failed=self.failed if queue.failed is None else queue.failed,
            failures=None if queue.failures is None else sorted(queue.failures),
            news=_news(self.news, self._failed_since(queue), failed_within, now),
            length=length,
            oldest=queue.oldest,
        )

    def _lengths(self, queue: Queue, within: float, now: float) -> Past:
        return self.lengths if queue.length is None else _lengths(self.lengths, queue.length, within, now)

    @property
    def newly_failed(self) -> float:
        return sum(n for _, n in self.news)

    def seen_for(self, now: float) -> float:
        """Seconds that growth looks back."""
        return now - self.lengths[0][0] if self.lengths else 0.0

    def growth(self, now: float) -> float:
        """By how much the fewest of the last quarter are more than the fewest of the first."""
        quarter = self.seen_for(now) / 4
        late = [n for at, n in self.lengths if at > now - quarter]
        early = [n for at, n in self.lengths if at < now - 3 * quarter or at == self.lengths[0][0]]
        return min(late) - min(early) if late else 0.0

    def _stuck_since(self, queue: Queue, length: int, now: float) -> float | None:
        if not length or queue.in_progress != 0:
            return None
        next_came = queue.oldest is not None and self.oldest is not None and queue.oldest > self.oldest
        if self.stuck_since is None or length < self.length or next_came:
            return now
        return min(self.stuck_since, now)

    def _failed_since(self, queue: Queue) -> int:
        """A total that is lower than before was cleared, and counts from zero."""
        if queue.failures is not None:
            return 0 if self.failures is None else len(queue.failures - set(self.failures))
        if queue.failed is None or self.failed is None:
            return 0
        if queue.failed_is_total and queue.failed < self.failed:
            return queue.failed
        return max(0, queue.failed - self.failed)


def _lengths(before: Past, length: int, within: float, now: float) -> Past:
    kept = [[at, n] for at, n in before if now - within <= at <= now]
    if kept and now - kept[-1][0] < max(SHORTEST, within / STEPS):
        return [*kept[:-1], [kept[-1][0], min(kept[-1][1], length)]]
    return [*kept, [now, length]]


def _news(before: Past, new: int, within: float, now: float) -> Past:
    """What failed within that time; all of one step is one entry."""
    kept = [[min(at, now), n] for at, n in before if now - at < within]
    if new and kept and now - kept[-1][0] < within / STEPS:
        return [*kept[:-1], [kept[-1][0], kept[-1][1] + new]]
    return [*kept, [now, new]] if new else kept
