"""Words of people on their way: each waits until it is decided and on record, and gets its verdict then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.alerting.words import Verdict, Word
from pacs_monitor.model import PacsMonitorError


class NotDecidedError(PacsMonitorError):
    """The monitor could not decide what somebody said, or ends before it can."""


class Spoken:
    """Who waits for which verdict."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Word, asyncio.Future[Verdict]]] = {}
        """By the identity of the word: two people may say the same."""
        self._decided: list[tuple[str, asyncio.Future[Verdict]]] = []
        """By the id of the event, until it is on record."""

    def wait(self, word: Word) -> asyncio.Future[Verdict]:
        """Its verdict, or NotDecidedError."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[id(word)] = word, future
        return future

    def decided(self, decided: Decided) -> bool:
        """A decision; whether it was about a word, which is not decided again."""
        _, future = self._waiting.pop(id(decided.event.what), (None, None))
        if future is None:
            return False
        if future.done():  # nobody waits any more
            return True
        if decided.failure is not None:
            future.set_exception(NotDecidedError("the monitor failed to process this; its log says why"))
        elif decided.effects.refusal is not None:
            future.set_result(Verdict(decided.effects.refusal))
        else:
            self._decided.append((decided.event.id, future))
        return True

    def written(self, is_recorded: Callable[[str], bool]) -> None:
        """All that was decided is on record, or as far as it can be."""
        decided, self._decided = self._decided, []
        for event, future in decided:
            if not future.done():
                future.set_result(Verdict(recorded=is_recorded(event)))

    def end(self) -> None:
        """Nothing is decided any more."""
        futures = [*(future for _, future in self._waiting.values()), *(future for _, future in self._decided)]
        self._waiting.clear()
        self._decided.clear()
        for future in futures:
            if not future.done():
                future.set_exception(NotDecidedError("try again: the daemon is stopping"))
