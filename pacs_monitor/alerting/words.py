"""What people say to the monitor. Each is an event of the record, once it was accepted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pacs_monitor.fields import Match
from pacs_monitor.model import Micros
from pacs_monitor.windows import Pause, Window


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody deals with an incident: reminders and escalation stop until then."""

    incident: str
    by: str
    why: str = ""
    until: Micros | None = None
    """By default as long as Rules.acknowledged_until says."""
    ticket: str = ""
    """Needed beyond a day."""
    only_first: bool = False
    """Refused where somebody has said so before: a reply does not replace what was said."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know about an incident; a public one is for the users of the imaging estate."""

    incident: str
    by: str
    text: str
    public: bool = False
    next_update: Micros | None = None
    """When a public one promises the next."""


@dataclass(frozen=True, slots=True)
class Close:
    """End an incident by hand, while nothing is measured to be wrong."""

    incident: str
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A window of maintenance."""

    window: Window


@dataclass(frozen=True, slots=True)
class Extend:
    """A window lasts longer."""

    window: str
    by: str
    until: Micros
    why: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """A window is over now; one that has not begun does not take place."""

    window: str
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Checks are not run."""

    pause: Pause


@dataclass(frozen=True, slots=True)
class Resume:
    """Checks that were paused run again."""

    match: Match
    by: str
    why: str = ""


Word = Acknowledge | Remark | Close | Plan | Extend | Finish | Hold | Resume


class Kind(StrEnum):
    """Why a word is not accepted."""

    MISSING = "missing"
    """What it is about is not there."""
    CONFLICT = "conflict"
    """It cannot be done as things stand."""
    INVALID = "invalid"
    """It lacks something, or contradicts itself."""


class Refusal(NamedTuple):
    """A word that is not accepted, and changes nothing."""

    kind: Kind
    why: str


class Verdict(NamedTuple):
    """What became of a word."""

    refusal: Refusal | None = None
    recorded: bool = True
    """False: it holds now, and is lost if the monitor ends before the history can be written."""
