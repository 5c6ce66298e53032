"""What people plan: windows of maintenance, and pauses."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from pacs_monitor.api.common import Day, Stated, Time, described


@described
class Recorded(TypedDict):
    """What was said is in force."""

    recorded: bool
    """It is in the database."""
    warning: NotRequired[str]
    """What follows where it is not."""


@described
class Window(TypedDict):
    """A window of maintenance."""

    id: str
    name: str
    match: str
    """Which checks: `node=archive`; `all checks`."""
    start: Time
    end: Time
    probing: str
    """`continue`, `read_only` or `stop`."""
    by: str
    why: str
    announced: Day | None
    notify: str | None
    """The channel that is told when it begins and ends."""


@described
class WindowListed(Window):
    """One of those that are not over."""

    active: bool
    """It has begun."""


@described
class WindowSaid(Window, Recorded):
    """A window as it is now."""


@described
class WindowCounts(Recorded):
    """What was stated of a window."""

    id: str
    evidence: Stated


@described
class Pause(TypedDict):
    """Checks that do not run."""

    id: str
    match: str
    by: str
    why: str
    since: Time
    until: Time
    checks: list[str]


@described
class PauseSaid(Pause, Recorded):
    """A pause as it is now."""


@described
class Resumed(Recorded):
    """Which checks run again."""

    match: str
