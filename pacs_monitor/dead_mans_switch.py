"""The dead man's switch outside: a request at intervals, sent only while probing, deciding and writing really work.

Somebody else must notice when this monitor does not do its work any more, also when its process turns all the same. So
each request is preceded by proofs, each of something that has really happened a moment ago; when one fails, nothing is
sent until it holds again. The URL is a secret: it is neither logged nor followed elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from pacs_monitor import __version__, http
from pacs_monitor.model import Clock, Micros
from pacs_monitor.threads import in_thread

log = logging.getLogger(__name__)

SEND_WITHIN = 10.0
"""Seconds for one request in all."""
LOOK_AGAIN = 5.0
"""Seconds until the next look, at most, while a proof fails or a request did not arrive."""
PROVE_WITHIN = 5.0
"""Seconds for one proof."""
ANSWER_LIMIT = 64 * 1024

Proof = Callable[[], Awaitable[str | None]]
"""What does not work, for people; None when it has just been seen to work."""


class Hidden(Protocol):
    def get_secret_value(self) -> str: ...


class Target(Protocol):
    """`monitor.heartbeat`."""

    @property
    def url(self) -> Hidden: ...
    @property
    def interval(self) -> float: ...
    @property
    def method(self) -> str: ...
    def access(self) -> http.Access: ...


class DeadMansSwitch:
    """Sends the request again and again; `keep` is one task of the daemon."""

    def __init__(self, clock: Clock, target: Callable[[], Target | None], proofs: Sequence[Proof]) -> None:
        """`target` is what is configured now: a reload may change it (then call `look_again`)."""
        self.last_success: Micros | None = None
        """When a request was last accepted."""
        self.failures: Counter[str] = Counter()
        """Requests that did not arrive since the start, by reason."""
        self.trouble: str | None = None
        """Why none was sent or accepted at the last attempt, for people; None while all is well."""
        self._clock, self._target, self._proofs = clock, target, proofs
        self._bell = asyncio.Event()
        self._logged: str | None = None
        self._since: float | None = None
        """Since when there is trouble."""
        self._sending: asyncio.Task[http.Response] | None = None

    def look_again(self) -> None:
        """The configuration may have changed."""
        self._bell.set()

    async def keep(self) -> None:
        """For as long as the daemon leads."""
        while True:
            target = self._target()
            pause = None
            if target is not None:
                began = self._clock.monotonic()
                self._say(await self._attempt(target), target)
                pause = target.interval if self.trouble is None else min(LOOK_AGAIN, target.interval)
                pause = max(0.0, began + pause - self._clock.monotonic())
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._bell.wait()
            self._bell.clear()

    async def _attempt(self, target: Target) -> str | None:
        """Why nothing was sent, or not accepted."""
        for proof in self._proofs:
            if (lacking := await _proven(proof)) is not None:
                return f"not sent, because {lacking}"
        try:
            answer = await self._send(target)
        except http.HttpError as error:
            self.failures[error.reason] += 1
            return str(error)
        except TimeoutError:
            self.failures["timeout"] += 1
            return f"no answer within {SEND_WITHIN:g} s"
        if 200 <= answer.status < 300:
            self.last_success = self._clock.now()
            return None
        self.failures[f"http_{answer.status}"] += 1
        where = http.address_of(target.url.get_secret_value())
        hint = "; write the final address, redirects are not followed" if 300 <= answer.status < 400 else ""
        return f"{where} answered HTTP {answer.status}{hint}"

    async def _send(self, target: Target) -> http.Response:
        """One request; raises HttpError or TimeoutError. A lookup that hangs in its thread is not asked twice."""
        if self._sending is None or self._sending.done():
            request = partial(
                http.send,
                target.method,
                target.url.get_secret_value(),
                timeout=SEND_WITHIN,
                headers={"User-Agent": f"pacs-monitor/{__version__}"},
                size_limit=ANSWER_LIMIT,
                whole=False,
                access=target.access(),
            )
            self._sending = asyncio.get_running_loop().create_task(in_thread(request, "dead-mans-switch"))
            self._sending.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        done, _ = await asyncio.wait([self._sending], timeout=SEND_WITHIN + 1.0)
        if not done:
            raise TimeoutError
        return self._sending.result()

    def _say(self, trouble: str | None, target: Target) -> None:
        """Log what is new; that nothing has been proven yet is worth it only after an interval."""
        self.trouble, now = trouble, self._clock.monotonic()
        if trouble is None:
            if self._logged is not None:
                log.info("heartbeat: accepted by %s again", http.address_of(target.url.get_secret_value()))
            self._logged = self._since = None
            return
        self._since = now if self._since is None else self._since
        is_starting = self.last_success is None and not self.failures and now - self._since < target.interval
        if trouble != self._logged and not is_starting:
            log.error("heartbeat: %s", trouble)
            self._logged = trouble


async def _proven(proof: Proof) -> str | None:
    try:
        async with asyncio.timeout(PROVE_WITHIN):
            return await proof()
    except TimeoutError:
        return "the monitor itself does not respond"
