"""A channel's circuit: whether it takes anything, and how often it is asked while it does not. Pure.

Theory of operation. A minute of failures without a success opens the circuit, whatever the failures were. While it is
open one notification is tried at a time: after 1 s, doubling to 60 s, and every 5 min once ten refusals came in a row.
A success closes it, and so does whatever makes another outcome likely: a test that succeeds, or changed settings.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from pacs_monitor.backoff import Backoff

Spread = Callable[[float], float]
"""Seconds to wait, with jitter so that retries do not coincide."""
JITTER = 0.2


def spread(delay: float) -> float:
    """Seconds until the next attempt, so that not all come at once."""
    return delay * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, keeps no secret


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Times in seconds, and counts, of one outbox."""

    first_retry: float = 1.0
    last_retry: float = 60.0
    refused_retry: float = 300.0
    """From the tenth refusal on."""
    poison_retry: float = 3600.0
    """For a notification that is refused while others are taken."""
    longest_retry_after: float = 300.0
    """How long a receiver may ask us to wait."""
    refusals: int = 10
    opens_after: float = 60.0
    at_once: int = 4
    """Deliveries that one channel makes at a time."""
    drop_after: float = 900.0
    """An `opened` notification this old that certainly never arrived is dropped once its incident has ended."""
    give_up_after: float = 24 * 3600.0
    """For notifications of ended incidents, counted while the process runs."""

    def backoff(self) -> Backoff:
        """For one notification or one circuit."""
        return Backoff(self.first_retry, self.last_retry)


@dataclass(slots=True)
class Circuit:
    """All times are on the monotonic clock."""

    policy: RetryPolicy
    spread: Spread
    failing_since: float | None = None
    """When the first attempt began that failed since the last success; None while the channel works."""
    succeeded_at: float | None = None
    is_open: bool = False
    next_try: float = 0.0
    """While it is open."""
    not_before: float = 0.0
    """As the receiver asked by Retry-After."""
    _backoff: Backoff = field(init=False, repr=False)
    _refusals: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self._backoff = self.policy.backoff()

    def look(self, now: float) -> None:
        """Open when it is time."""
        if not self.is_open and self.failing_since is not None and now >= self.failing_since + self.policy.opens_after:
            self.open(max(now + self.spread(self.policy.first_retry), self.not_before))

    def open(self, next_try: float) -> None:
        """Open now; the first attempt is then."""
        self.is_open, self.next_try = True, next_try
        self._backoff.reset()
        self._refusals = 0

    def failed(self, began: float, now: float, *, refused: bool, not_before: float = 0.0) -> None:
        """An attempt failed that began then."""
        if self.failing_since is None:
            self.failing_since = began
        self.not_before = not_before
        if self.is_open:
            self._refusals = self._refusals + 1 if refused else 0
            pause = self._backoff.failed()
            wait = self.policy.refused_retry if self._refusals >= self.policy.refusals else pause
            self.next_try = max(now + self.spread(wait), not_before)
        self.look(now)

    def arrived(self, now: float) -> None:
        """Something came that was never tried: it may well be taken, so it does not wait for a long pause to end."""
        self.next_try = min(self.next_try, max(now, self.not_before))

    def close(self) -> None:
        """There is reason to expect a success."""
        self.failing_since, self.is_open, self.not_before = None, False, 0.0

    def succeeded(self, now: float) -> None:
        self.close()
        self.succeeded_at = now

    @property
    def opens_at(self) -> float | None:
        """When it opens unless something is taken before."""
        if self.is_open or self.failing_since is None:
            return None
        return self.failing_since + self.policy.opens_after
