"""The steps of a scenario as settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from pacs_monitor.alerting.words import Acknowledge, Close, Remark, Word
from pacs_monitor.fields import Duration, Match, Settings, Texts, parse_duration
from pacs_monitor.format.names import likely
from pacs_monitor.model import REASONS, SECOND, Micros, Reason, State


def _reason(value: object) -> object:
    if value in REASONS:
        return REASONS[str(value)]
    guess = likely(str(value), REASONS)
    hint = f"did you mean {guess!r}?" if guess else "docs/operations.md lists all of them"
    raise ValueError(f"unknown reason {value!r}; {hint}")


def _signed(value: object) -> object:
    text = str(value)
    if text[:1] not in ("+", "-"):
        raise ValueError(f"{text!r} is not a step of the clock; write +1h or -90s")
    return parse_duration(text[1:]) * (1 if text[0] == "+" else -1)


THINGS = (
    *("check", "maintenance", "extend", "end", "pause", "resume", "ack", "note", "close"),
    *("reload", "restart", "clock"),
)
"""A step has one of them."""


class PlannedWindow(Settings):
    """A window of maintenance that somebody plans."""

    name: str = "maintenance"
    """What is done; `extend` and `end` name it so."""
    match: Match
    """Which checks it covers."""
    start: Duration = 0.0
    """How long after the step it begins."""
    for_: Duration = Field(alias="for")
    """How long."""
    notify: str = ""
    """The channel that is told when it begins and ends."""


class Step(Settings):
    """What happens at one moment: checks change, or somebody says something."""

    at: Duration
    """How long after the start."""
    check: Texts = ()
    """Checks that are confirmed to be in another state: `node/check`, a list, or a glob such as `archive/*`."""
    state: State | None = None
    """up, degraded, down, absent or unknown."""
    reason: Annotated[Reason | None, BeforeValidator(_reason)] = None
    """Why; by default `tcp_timeout`, `slow` if degraded, `not_measured` if unknown."""
    since: Duration = 0.0
    """How long before that it was first seen."""
    maintenance: PlannedWindow | None = None
    """Somebody plans a window of maintenance."""
    extend: str = ""
    """The window of this name lasts longer, by `for`."""
    end: str = ""
    """The window of this name is ended early, or does not take place."""
    pause: str = ""
    """Somebody pauses these, for `for`: `node`, `node/check`, or globs."""
    resume: str = ""
    """They run again."""
    ack: str = ""
    """Somebody acknowledges the newest open incident of this node, `node/check` or cause, or of all (`last`)."""
    ticket: str = ""
    """The number of the ticket, for an acknowledgement of more than 24 hours."""
    note: str = ""
    """Likewise, somebody notes something about it."""
    text: str = ""
    """What is noted."""
    public: bool = False
    """For the users of the imaging estate, too."""
    close: str = ""
    """Likewise, somebody closes it."""
    reload: Path | None = None
    """This configuration is in force from then on; its path begins at the folder of the scenario."""
    restart: Duration | None = None
    """The monitor is off for that long."""
    clock: Annotated[float | None, BeforeValidator(_signed)] = None
    """The wall clock is set by so much: +1h, -90s."""
    for_: Duration = Field(8 * 3600.0, alias="for")
    """How long a pause or an acknowledgement holds, or how much longer a window lasts."""
    by: str = "somebody"
    """Who says so."""
    why: str = ""
    """Why."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if len(self.model_fields_set & set(THINGS)) != 1:
            raise ValueError(f"needs exactly one of {', '.join(THINGS[:-1])} and {THINGS[-1]}")
        if self.note and not self.text:
            raise ValueError("needs a text beside note")
        if bool(self.check) != (self.state is not None):
            raise ValueError("needs a state beside check: up, degraded, down, absent or unknown")
        return self

    @property
    def about(self) -> str:
        """The incident that somebody speaks of; empty if nobody does."""
        return self.ack or self.note or self.close

    def word(self, incident: str, at: Micros) -> Word:
        """What somebody says of it."""
        if self.ack:
            until = at + round(self.for_ * SECOND) if "for_" in self.model_fields_set else None
            return Acknowledge(incident, self.by, self.why, until, self.ticket)
        return Remark(incident, self.by, self.text, self.public) if self.note else Close(incident, self.by, self.why)
