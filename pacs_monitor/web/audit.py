"""Every write is put on record before it is answered: who, when, what, from where, and what became of it.

Writes that were done are always recorded. Of those that were refused only some are, so that a flood of them fills
neither the database nor the log; the number of the others is recorded each minute. Reports of jobs that were accepted
are results, which the record has anyhow.

When the database cannot be written, the answer is given all the same: the entry goes to the log, and into the database
with the next one that can be written.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from pacs_monitor.history import AuditEntry, HistoryError
from pacs_monitor.model import Clock
from pacs_monitor.web.auth import OPEN_PATHS, PUSH, READING, REPLIES
from pacs_monitor.web.body import BODY
from pacs_monitor.web.caller import CALLER, NOBODY
from pacs_monitor.web.rate_limit import TokenBucket
from pacs_monitor.web.words import LONGEST_LINE, LONGEST_NAME, printable

log = logging.getLogger(__name__)

OF_ADDRESS, OF_ALL = (1 / 60, 10), (2 / 60, 20)
"""Refused requests that are recorded: so many a second, and at once; of one address, and of all."""
EVERY = 60.0
"""Seconds between the entries that count those left out."""
LEFT_OUT = "refused requests that are not listed one by one"
UNWRITTEN = 256
"""Entries that are kept until the database can be written."""
SHOWN = (
    *("do", "window", "node", "check", "site", "log", "day"),
    *("what", "at", "retract", "standing", "counts", "from", "to", "service"),
    *("for", "until", "start", "match", "ticket", "probing", "public", "next_update", "event", "open_for"),
)
"""Keys of a body that are recorded when it was accepted: none of them is free text."""
LONGEST_DETAILS = 4000
"""Characters, as JSON."""
LONGEST_ACTION = 200
KNOWN_PART = 3
"""Of the address of a refused request only as many parts are recorded: what follows may be anything."""

TOLD = "pacs_monitor.told"
"""In the scope: what there is to record (Told), where the request does not say it itself."""


class Told(NamedTuple):
    """What a handler says of a request whose body is not in our words."""

    by: str
    why: str
    status: int
    """What became of it, whatever the peer is answered."""
    details: Mapping[str, Any] = MappingProxyType({})


Write = Callable[[Sequence[AuditEntry]], Awaitable[None]]


class AuditTrail:
    """Records entries: in the database, by syslog, in the log if need be. Never raises, and never waits for long."""

    def __init__(self, write: Write, clock: Clock, tell: Callable[[AuditEntry], None] = lambda _: None) -> None:
        self.unrecorded = 0
        """Entries that could not be written at once, since the start."""
        self._write, self._clock, self._tell = write, clock, tell
        self._of_address = TokenBucket(*OF_ADDRESS, clock.monotonic)
        self._of_all = TokenBucket(*OF_ALL, clock.monotonic)
        self._left_out = 0
        self._unwritten: deque[AuditEntry] = deque(maxlen=UNWRITTEN)

    def entry(self, by: str, action: str, status: int, **more: Any) -> AuditEntry:
        """An entry of now."""
        known = {"token": "", "role": "", "address": ""} | more
        return AuditEntry(str(ULID()), self._clock.now(), by, action=action, status=status, **known)

    async def record(self, entry: AuditEntry) -> None:
        """Durable when this returns, unless the database cannot be written."""
        if entry.status >= 400 and (self._of_address.wait(entry.address) or self._of_all.wait(None)):
            self._left_out += 1
            return
        await self._put(entry)

    async def settle(self) -> None:
        """Record how many were left out."""
        count, self._left_out = self._left_out, 0
        if count:
            await self._put(self.entry("", LEFT_OUT, 429, count=count))

    async def _put(self, entry: AuditEntry) -> None:
        self._tell(entry)
        self._unwritten.append(entry)
        entries = tuple(self._unwritten)
        try:
            await self._write(entries)
        except HistoryError:
            self.unrecorded += 1
            log.warning("audit, not in the database yet: %s", sentence(entry))
            return
        written = {each.id for each in entries}
        self._unwritten = deque((each for each in self._unwritten if each.id not in written), maxlen=UNWRITTEN)

    async def keep(self) -> None:
        """For as long as the daemon runs."""
        while True:
            await asyncio.sleep(EVERY)
            await self.settle()


def sentence(entry: AuditEntry) -> str:
    """One line for a log: `oncall (operator) from 10.0.0.5: POST /api/v1/reload: done (200)`."""
    token = f" ({entry.token}, {entry.role})" if entry.token else ""
    who = f"{entry.by or 'somebody'}{token} from {entry.address or 'unknown'}"
    times = f"{entry.count} times " if entry.count > 1 else ""
    return f"{who}: {times}{entry.action}: {entry.outcome} ({entry.status})"


class Audit:
    """ASGI middleware, outside of whatever may refuse a write."""

    def __init__(self, app: ASGIApp, trail: AuditTrail) -> None:
        self._app, self._trail = app, trail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READING or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        answered = False

        async def recorded(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                await self._record(scope, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, recorded)
        except Exception:
            if not answered:
                await self._record(scope, 500)
            raise

    async def _record(self, scope: Scope, status: int) -> None:
        moved = status in (307, 308)  # to the address without a slash at its end, which is recorded when it is asked
        if status >= 400 or not (moved or scope["path"].startswith(PUSH)):
            await self._trail.record(self._entry(scope, status))

    def _entry(self, scope: Scope, status: int) -> AuditEntry:
        token, client = scope.get(CALLER, NOBODY), scope.get("client")
        told = scope.get(TOLD) or _told(scope, status)
        return self._trail.entry(
            told.by or token.name,
            _action(scope, known=status < 400),
            told.status,
            token=token.name,
            role=token.role,
            address=client[0] if client else "",
            details=dict(told.details),
            why=told.why,
        )


def _told(scope: Scope, status: int) -> Told:
    """What a request says of itself; of replies, which are in nobody's words but the box's, nothing."""
    body = scope.get(BODY)
    body = body if isinstance(body, Mapping) and scope["path"] != REPLIES else {}
    details = _details(body) if status < 400 else {}
    return Told(_line(body.get("by"), LONGEST_NAME), _line(body.get("why"), LONGEST_LINE), status, details)


def _details(body: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: body[key] for key in SHOWN if key in body}
    return shown if len(json.dumps(shown)) <= LONGEST_DETAILS else {"left out": "too long"}


def _action(scope: Scope, *, known: bool) -> str:
    path: str = scope["path"]
    if not known:
        parts = path.split("/")
        path = "/".join(parts[: KNOWN_PART + 1]) + ("/…" if len(parts) > KNOWN_PART + 1 else "")
    plain = "".join(c if c.isprintable() else "?" for c in path[:LONGEST_ACTION])
    return f"{scope['method'][:LONGEST_NAME]} {plain}"


def _line(value: object, longest: int) -> str:
    """What is claimed, if it is fit to be recorded."""
    try:
        return printable(value) if isinstance(value, str) and len(value) <= longest else ""
    except ValueError:
        return ""
