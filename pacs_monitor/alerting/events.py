"""What alerting decides on. Each is a row of the record: the same whether it happens, is replayed or is invented."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from ulid import ULID

from pacs_monitor.alerting.words import Acknowledge, Close, Extend, Finish, Hold, Plan, Remark, Resume, Word
from pacs_monitor.model import CheckId, Micros, Reason, Recorded, Transition
from pacs_monitor.windows import Window

NOT_BLIND = (Reason.PAUSED, Reason.AWAITED)
"""Reasons for unknown that open no incident: a person did that; and that ends by itself."""


@dataclass(frozen=True, slots=True)
class Transitioned:
    """A check changed its state."""

    transition: Transition
    on_record: bool = False
    """The ledger has it already, or what led to it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A fresh result of a check that was asked for one; `leaning` if more are needed to be sure."""

    check: CheckId
    leaning: bool = False


@dataclass(frozen=True, slots=True)
class UnknownSince:
    """Since when, and why, a check has no valid result; `detail` is its last result's."""

    check: CheckId
    since: Micros
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """The monitor runs; it was off since then, as far as is known."""

    off_since: Micros | None = None
    unknown: tuple[UnknownSince, ...] = ()
    """Of the checks of blind incidents that are open: those without a valid result."""
    untried: tuple[CheckId, ...] = ()
    """Those that have not run since."""


@dataclass(frozen=True, slots=True)
class KnownAgain:
    """A check has a valid result again, or it is not its turn yet."""

    check: CheckId
    untried: bool = False
    """It has not run since the start."""


@dataclass(frozen=True, slots=True)
class SiteCut:
    """A site cannot be reached from the one where the monitor stands, whose references answer."""

    site: str
    since: Micros


@dataclass(frozen=True, slots=True)
class SiteReached:
    """A site can be reached again, or nothing tells any more whether it can."""

    site: str


@dataclass(frozen=True, slots=True)
class ChannelFailing:
    """A channel delivers nothing since then."""

    channel: str
    since: Micros
    reason: str


@dataclass(frozen=True, slots=True)
class ChannelWorks:
    """A channel delivers again, or has nothing left to deliver."""

    channel: str


@dataclass(frozen=True, slots=True)
class TasksFailing:
    """All tasks of the monitor that fail again and again now."""

    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenedRefused:
    """The `opened` notification of an incident cannot be sent on a channel: nothing may follow there."""

    incident: str
    channel: str


@dataclass(frozen=True, slots=True)
class PageLate:
    """A page of an incident was not delivered on a channel within the time after which others are told instead."""

    incident: str
    channel: str


@dataclass(frozen=True, slots=True)
class LateDelivered:
    """A channel where a page was late has delivered something of the incident."""

    incident: str
    channel: str


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Another revision of the configuration is in force."""

    revision: str


@dataclass(frozen=True, slots=True)
class CalendarRead:
    """A calendar of changes was read, waits to be read for the first time, or is no longer configured."""

    calendar: str
    until: Micros | None
    """Until when this counts as fresh; None: it is no longer configured."""
    success: Micros | None = None
    """As of when it is good; None: nothing could be read yet."""
    windows: tuple[Window, ...] | None = ()
    """All that are not over; None: as before."""


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The wall clock was set by so much."""

    step: Micros


@dataclass(frozen=True, slots=True)
class Due:
    """The time has come that a subject asked to be looked at again."""

    subject: str


Happening = (
    Started
    | Transitioned
    | Measured
    | UnknownSince
    | KnownAgain
    | SiteCut
    | SiteReached
    | ChannelFailing
    | ChannelWorks
    | TasksFailing
    | OpenedRefused
    | PageLate
    | LateDelivered
    | Reloaded
    | CalendarRead
    | ClockSet
    | Due
    | Word
)

KINDS: dict[str, type[Any]] = {
    "started": Started,
    "transition": Transitioned,
    "measured": Measured,
    "unknown": UnknownSince,
    "known": KnownAgain,
    "site_cut": SiteCut,
    "site_reached": SiteReached,
    "channel_failing": ChannelFailing,
    "channel_works": ChannelWorks,
    "tasks_failing": TasksFailing,
    "opened_refused": OpenedRefused,
    "page_late": PageLate,
    "late_delivered": LateDelivered,
    "reloaded": Reloaded,
    "calendar_read": CalendarRead,
    "clock_set": ClockSet,
    "due": Due,
    "acknowledge": Acknowledge,
    "note": Remark,
    "close": Close,
    "maintenance_add": Plan,
    "maintenance_extend": Extend,
    "maintenance_end": Finish,
    "pause": Hold,
    "resume": Resume,
}
"""As the record writes them."""
_NAMES = {kind: name for name, kind in KINDS.items()}
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in _NAMES}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, when alerting heard of it; the ids of what it opens and sends derive from its own.

    Those of ends derive from what they end (pacs_monitor.ends).
    """

    id: str
    at: Micros
    what: Happening


def event_id(at: Micros, tail: int | None = None) -> str:
    """A new ULID with room behind it for the ids that derive from it; `tail` (64 bits) instead of chance."""
    tail = secrets.randbits(64) if tail is None else tail
    return str(ULID.from_int((max(at, 0) // 1000 << 80) + (tail << 16)))


def recorded(event: Event) -> Recorded:
    """As the record keeps it."""
    kind = type(event.what)
    return Recorded(event.id, event.at, _NAMES[kind], _ADAPTERS[kind].dump_python(event.what, mode="json"))


def restored(row: Recorded) -> Event:
    """As it happened; raises KeyError or pydantic's ValidationError for what no version of ours has written."""
    return Event(row.id, row.at, _ADAPTERS[KINDS[row.kind]].validate_python(row.data))
