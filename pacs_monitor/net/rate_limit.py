"""Rate-limited logging of events that strangers cause: the first of a kind at once, further ones counted once a
minute."""

from __future__ import annotations

import logging
from time import monotonic

WINDOW = 60.0
"""Seconds in which the same message is logged once."""
MOST = 20
"""Different messages per window; further ones are only counted, so that many addresses cannot flood the log."""
OTHERS = "similar messages, from other addresses"


class RateLimitedLog:
    """Warnings of one listener, by their whole sentence; `flush` must be called now and then."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._counts = _Counts()

    def warning(self, sentence: str) -> None:
        self.flush()
        if self._counts.first(sentence):
            self._log.warning("%s", sentence)

    def flush(self) -> None:
        """Log what was counted in the windows that are over."""
        for sentence, more in self._counts.over():
            self._log.warning("%s (and %s more in the last minute)", sentence, f"{more:,}")


class RateLimit(logging.Filter):
    """For loggers of libraries that strangers can make write: one record of a kind in a window, then their number."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = _Counts()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[0] if record.exc_info else None
        kind = f"{record.name}: {record.msg} {error.__name__ if error else ''}".strip()
        for sentence, more in self._counts.over():
            record.msg = f"{record.getMessage()} (and before that, {more:,} more within a minute of: {sentence})"
            record.args = ()
        return self._counts.first(kind)


class _Counts:
    """How often each sentence came in its window."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._more: dict[str, int] = {}

    def first(self, sentence: str) -> bool:
        """Whether it is to be written; it is counted otherwise."""
        if sentence not in self._since:
            known = len(self._since) < MOST
            sentence = sentence if known else OTHERS
            if sentence not in self._since:
                self._since[sentence], self._more[sentence] = monotonic(), 0 if known else 1
                return known
        self._more[sentence] += 1
        return False

    def over(self) -> list[tuple[str, int]]:
        """The sentences whose window is over and that came more than once."""
        now = monotonic()
        ended = [sentence for sentence, since in self._since.items() if now - since >= WINDOW]
        for sentence in ended:
            del self._since[sentence]
        return [(sentence, more) for sentence in ended if (more := self._more.pop(sentence))]
